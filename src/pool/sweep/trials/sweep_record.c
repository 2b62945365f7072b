/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/sweep_record.h"

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_trial(Json *json, const Trial *trial) {
    json_object(json, NULL, JSON_LINE);
    json_string(json, "id", trial->id);
    json_object(json, "params", JSON_LINE);
    for (int i = 0; i < trial->param_count; i++)
        json_string(json, trial->params[i].key, trial->params[i].value);
    json_end(json);
    json_integer(json, "seed", trial->seed);
    json_integer(json, "set", trial->set);
    json_string(json, "identity", trial->identity);
    json_string(json, "config", trial->config);
    json_string(json, "run_dir", trial->run_dir);
    json_string(json, "before", trial->before ? trial->before : "");
    json_integer(json, "same_as", trial->same_as);
    json_end(json);
}

Status sweep_record_write(const Sweep *sweep) {
    Json json;
    char *path;
    TRY(files_path(&path, "runs/sweeps/%s/sweep.json", sweep->name));
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_string(&json, "name", sweep->name);
    json_string(&json, "base", sweep->base);
    json_string(&json, "command", sweep->command);
    json_string(&json, "metric", sweep->metric);
    json_string(&json, "direction", sweep->max ? "max" : "min");
    json_array(&json, "trials", JSON_INDENT);
    for (int64_t i = 0; i < sweep->count; i++)
        write_trial(&json, &sweep->trials[i]);
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    Status status = json_write(&json, path);
    free(path);
    return status;
}

static const char *get_text(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static int64_t get_integer(const cJSON *object, const char *key, int64_t otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

static Status read_trial(const cJSON *object, Sweep *sweep) {
    Trial *trial;
    const cJSON *param;
    TRY(sweep_add_trial(sweep, &trial));
    snprintf(trial->id, sizeof trial->id, "%s", get_text(object, "id"));
    snprintf(trial->identity, sizeof trial->identity, "%s", get_text(object, "identity"));
    trial->seed = get_integer(object, "seed", 0);
    trial->set = get_integer(object, "set", 0);
    trial->same_as = get_integer(object, "same_as", -1);
    if (trial->same_as >= sweep->count)
        trial->same_as = -1;
    TRY(text_format(&trial->config, "%s", get_text(object, "config")));
    TRY(text_format(&trial->run_dir, "%s", get_text(object, "run_dir")));
    if (*get_text(object, "before"))
        TRY(text_format(&trial->before, "%s", get_text(object, "before")));
    cJSON_ArrayForEach(param, cJSON_GetObjectItemCaseSensitive(object, "params"))
        TRY(trial_add_param(trial, param->string, cJSON_IsString(param) ? param->valuestring : ""));
    return NULL;
}

static Status read_record(const cJSON *object, const char *name, const char *path, Sweep *sweep) {
    const cJSON *trials = cJSON_GetObjectItemCaseSensitive(object, "trials"), *trial;
    if (!cJSON_IsArray(trials))
        return status_error(EXIT_DATA, "%s: not the record of a sweep; remove it, and call `pool sweep FILE` again",
                            path);
    snprintf(sweep->name, sizeof sweep->name, "%s", name);
    sweep->max = strcmp(get_text(object, "direction"), "max") == 0;
    TRY(text_format(&sweep->base, "%s", get_text(object, "base")));
    TRY(text_format(&sweep->command, "%s", get_text(object, "command")));
    TRY(text_format(&sweep->metric, "%s", get_text(object, "metric")));
    cJSON_ArrayForEach(trial, trials) TRY(read_trial(trial, sweep));
    return NULL;
}

Status sweep_record_read(const char *name, Sweep *sweep, bool *found) {
    char *path, *text = NULL;
    size_t size;
    *sweep = (Sweep){0};
    TRY(files_path(&path, "runs/sweeps/%s/sweep.json", name));
    *found = files_exists(path);
    Status status = *found ? files_read(path, &text, &size) : NULL;
    if (!status && *found) {
        cJSON *object = cJSON_Parse(text);
        status = read_record(object, name, path, sweep);
        cJSON_Delete(object);
    }
    free(text);
    free(path);
    return status;
}
