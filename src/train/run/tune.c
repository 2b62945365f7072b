/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/tune.h"

#include "base/files.h"
#include "base/json.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The entries of a file, for the device; their texts belong to the document. False for anything that write_entries()
 * does not write. */
static bool read_entries(const cJSON *list, AutotuneChoice *entries) {
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "key"));
        const char *choice = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "choice"));
        const cJSON *microseconds = cJSON_GetObjectItemCaseSensitive(item, "microseconds");
        if (!key || !choice || !cJSON_IsNumber(microseconds))
            return false;
        entries[count++] = (AutotuneChoice){.key = key, .choice = choice, .microseconds = microseconds->valuedouble};
    }
    return true;
}

/* Hands the file's choices to the device. *reason: why they are not used; NULL when they are. */
static Status import_choices(Tune *tune, const cJSON *document, const char **reason) {
    const char *tuned_on = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "tuned_on"));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document, "choices");
    *reason = "is damaged";
    if (!tuned_on || !cJSON_IsArray(list))
        return NULL;
    *reason = "was made on another GPU, driver or library";
    if (strcmp(tuned_on, tune->device->tuned_on) != 0)
        return NULL;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    AutotuneChoice *entries = calloc(count + 1, sizeof *entries);
    if (!entries)
        return status_no_memory("the list of choices", (count + 1) * sizeof *entries);
    *reason = read_entries(list, entries) ? NULL : "is damaged";
    Status status = *reason ? NULL : tune->device->autotune_import(tune->device, entries, count);
    free(entries);
    if (!*reason)
        tune->kept = count;
    return status;
}

static Status import_file(Tune *tune) {
    char *text;
    size_t size;
    TRY(files_read(tune->path, &text, &size));
    cJSON *document = cJSON_ParseWithLength(text, size);
    free(text);
    const char *reason;
    Status status = import_choices(tune, document, &reason);
    if (!status && reason)
        printf("%s %s: algorithms are timed again, and rounding may differ from here on\n", tune->path, reason);
    cJSON_Delete(document);
    return status;
}

Status tune_open(Tune *tune, const Config *config, const Device *device, const char *directory, bool resume) {
    *tune = (Tune){0};
    if (!device->tuned_on[0])
        return NULL;
    device->autotune(device, !config->train.deterministic);
    if (config->train.deterministic)
        return NULL;
    TRY(files_path(&tune->path, "%s/tune.json", directory));
    tune->device = device;
    return resume && files_exists(tune->path) ? import_file(tune) : NULL;
}

static Status write_entries(const Tune *tune, const AutotuneChoice *entries, size_t count) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_string(&json, "tuned_on", tune->device->tuned_on);
    json_array(&json, "choices", JSON_INDENT);
    for (size_t i = 0; i < count; i++) {
        json_object(&json, NULL, JSON_LINE);
        json_string(&json, "key", entries[i].key);
        json_string(&json, "choice", entries[i].choice);
        json_real(&json, "microseconds", entries[i].microseconds);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    return json_write(&json, tune->path);
}

Status tune_keep(Tune *tune, Monitor *monitor) {
    if (!tune->device)
        return NULL;
    size_t count, refused = 0;
    const AutotuneChoice *entries = tune->device->autotune_export(tune->device, &count);
    for (size_t i = 0; i < count; i++)
        refused += entries[i].refused;
    if (count == tune->kept && refused == tune->refused)
        return NULL;
    if (refused > tune->refused)
        monitor_note(monitor,
                     "%s: %zu of %zu choices could not be used and were timed again; rounding may differ "
                     "from here on",
                     tune->path, refused - tune->refused, count);
    tune->refused = refused;
    tune->kept = count;
    return write_entries(tune, entries, count);
}

void tune_close(Tune *tune) {
    free(tune->path);
    *tune = (Tune){0};
}
