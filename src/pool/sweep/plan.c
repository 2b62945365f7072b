/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/plan.h"

#include "base/files.h"
#include "base/paths.h"
#include "gauges/gauges.h"
#include "pool/sweep/child.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SET[] = "--set";

static bool is_set(const char *word) {
    return strcmp(word, SET) == 0;
}

static bool is_config(const char *word) {
    const size_t length = strlen(word);
    return length > 4 && word[0] != '-' && strcmp(word + length - 4, ".ini") == 0;
}

/* The word that names the configuration; NULL: there is none. */
static char *find_config(char *const *arguments) {
    for (int i = 1; arguments[i]; i++)
        if (is_config(arguments[i]) && !is_set(arguments[i - 1]))
            return arguments[i];
    return NULL;
}

bool plan_is_trainer(char *const *arguments) {
    return arguments[0] && strcmp(path_name(arguments[0]), "train") == 0 && find_config(arguments);
}

/* PROGRAM CONFIG [--set KEY=VALUE]... --plan --json [--gpu NAME]; the words stay the command's. */
static Status make_question(const char *gpu, char *const *arguments, char ***question) {
    int count = 0;
    while (arguments[count])
        count++;
    char **words = calloc((size_t)count + 5, sizeof *words);
    if (!words)
        return status_no_memory("a command", (size_t)count * sizeof *words);
    int used = 0;
    words[used++] = arguments[0];
    words[used++] = find_config(arguments);
    for (int i = 1; arguments[i]; i++) {
        if (strncmp(arguments[i], SET, strlen(SET)) == 0 && arguments[i][strlen(SET)] == '=')
            words[used++] = arguments[i];
        if (is_set(arguments[i]) && arguments[i + 1]) {
            words[used++] = arguments[i];
            words[used++] = arguments[++i];
        }
    }
    words[used++] = (char *)"--plan";
    words[used++] = (char *)"--json";
    if (*gpu) {
        words[used++] = (char *)"--gpu";
        words[used] = (char *)gpu;
    }
    *question = words;
    return NULL;
}

static int64_t get_integer(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return value >= 0 && value < 0x1p63 ? (int64_t)value : 0;
}

static void get_hash(const cJSON *object, const char *key, char hash[PLAN_HASH]) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    snprintf(hash, PLAN_HASH, "%s", text ? text : "");
}

static Status get_run_dir(const cJSON *object, const char *folder, char **run_dir) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "run_dir"));
    if (!text || text[0] == '/' || !folder)
        return files_path(run_dir, "%s", text ? text : "");
    return files_path(run_dir, "%s/%s", folder, text);
}

static Status take_answer(const cJSON *object, const char *folder, Plan *plan) {
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(object, "device");
    const cJSON *disk = cJSON_GetObjectItemCaseSensitive(object, "disk");
    const int64_t gpu = get_integer(cJSON_GetObjectItemCaseSensitive(object, "device_memory"), "total");
    const int64_t host = get_integer(cJSON_GetObjectItemCaseSensitive(object, "host_memory"), "total");
    const bool shared = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "shares_host_memory"));
    plan->trainer = true;
    plan->fits = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "fits"));
    plan->gpu_memory = shared ? 0 : gpu;
    plan->host_memory = shared ? gpu + host : host;
    plan->checkpoint = get_integer(disk, "checkpoint");
    plan->disk = get_integer(disk, "total");
    plan->steps = get_integer(object, "steps");
    plan->micro_batch = get_integer(object, "micro_batch");
    plan->global_batch = get_integer(object, "global_batch");
    plan->threads = get_integer(object, "threads");
    get_hash(object, "config_hash", plan->config_hash);
    get_hash(object, "data_hash", plan->data_hash);
    get_hash(object, "identity", plan->identity);
    return get_run_dir(object, folder, &plan->run_dir);
}

/* The program's own last line. */
static Status pass_failure(const char *program, const Child *child) {
    char *text = child->errors, *end = text + strlen(text);
    while (end > text && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    const char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    const char *name = path_name(program);
    const size_t prefix = strlen(name);
    if (strncmp(line, name, prefix) == 0 && strncmp(line + prefix, ": ", 2) == 0)
        line += prefix + 2;
    if (*line)
        return status_error((ExitCode)child->exit, "%s", line);
    return status_error((ExitCode)child->exit, "%s --plan --json ended with exit code %d and no message", program,
                        child->exit);
}

/* Asks once. */
static Status ask_trainer(const char *gpu, char *const *arguments, const char *folder, char *const *environment,
                          Plan *plan) {
    char **question;
    Child child = {0};
    TRY(make_question(gpu, arguments, &question));
    Status status = child_run(question, folder, environment, &child);
    if (!status) {
        /* One that does not fit is printed as well. */
        cJSON *object = child.exit == EXIT_OK || child.exit == EXIT_NO_MEMORY ? cJSON_Parse(child.output) : NULL;
        if (cJSON_IsObject(object) && cJSON_HasObjectItem(object, "identity"))
            status = take_answer(object, folder, plan);
        else if (child.exit)
            status = pass_failure(arguments[0], &child);
        cJSON_Delete(object);
    }
    child_free(&child);
    free(question);
    return status;
}

Status plan_read_for(const char *gpu, char *const *arguments, const char *folder, char *const *environment,
                     Plan *plan) {
    *plan = (Plan){0};
    if (!plan_is_trainer(arguments))
        return NULL;
    Status status = ask_trainer(gpu, arguments, folder, environment, plan);
    if (!*gpu || status_code(status) != EXIT_USAGE || !strstr(status_message(status), "unknown GPU"))
        return status;
    status_free(status);
    return ask_trainer("", arguments, folder, environment, plan);
}

Status plan_gpu(char name[PLAN_GPU]) {
    Gauges *gauges;
    name[0] = '\0';
    TRY(gauges_open(&gauges));
    if (gauges_count(gauges))
        snprintf(name, PLAN_GPU, "%s", gauges_gpu(gauges, 0)->name);
    gauges_close(gauges);
    return NULL;
}

Status plan_read(char *const *arguments, const char *folder, char *const *environment, Plan *plan) {
    char gpu[PLAN_GPU];
    *plan = (Plan){0};
    if (!plan_is_trainer(arguments))
        return NULL;
    TRY(plan_gpu(gpu));
    return plan_read_for(gpu, arguments, folder, environment, plan);
}

void plan_free(Plan *plan) {
    free(plan->run_dir);
    *plan = (Plan){0};
}
