/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/trial.h"

#include "base/files.h"
#include "base/list.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

bool sweep_name_fits(const char *name) {
    const size_t length = strlen(name);
    if (!length || length >= SWEEP_NAME || name[0] == '.' || name[0] == '-')
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return true;
}

Status sweep_folder(const char *name, char **folder) {
    return files_path(folder, "runs/sweeps/%s", name);
}

Status sweep_add_trial(Sweep *sweep, Trial **trial) {
    TRY(list_grow(&sweep->trials, sweep->count, &sweep->capacity, sizeof *sweep->trials, "the trials"));
    *trial = &sweep->trials[sweep->count++];
    **trial = (Trial){.same_as = -1, .gpu_memory = -1, .host_memory = -1};
    return NULL;
}

Status trial_add_param(Trial *trial, const char *key, const char *value) {
    TrialParam *params = realloc(trial->params, ((size_t)trial->param_count + 1) * sizeof *params);
    if (!params)
        return status_no_memory("a trial's parameters", ((size_t)trial->param_count + 1) * sizeof *params);
    trial->params = params;
    TrialParam *param = &params[trial->param_count++];
    *param = (TrialParam){0};
    TRY(text_format(&param->key, "%s", key));
    return text_format(&param->value, "%s", value);
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const TrialParam *)a)->key, ((const TrialParam *)b)->key);
}

static uint64_t hash_trial(const TrialParam *params, int count, int64_t seed) {
    char line[32];
    XXH64_hash_t hash = 0;
    for (int i = 0; i < count; i++) {
        hash = XXH3_64bits_withSeed(params[i].key, strlen(params[i].key), hash);
        hash = XXH3_64bits_withSeed(params[i].value, strlen(params[i].value), hash);
    }
    snprintf(line, sizeof line, "%" PRId64, seed);
    return XXH3_64bits_withSeed(line, strlen(line), hash);
}

Status trial_name(const Sweep *sweep, Trial *trial) {
    const size_t bytes = (size_t)trial->param_count * sizeof *trial->params;
    TrialParam *sorted = malloc(bytes + 1);
    if (!sorted)
        return status_no_memory("a trial's parameters", bytes);
    if (bytes)
        memcpy(sorted, trial->params, bytes);
    qsort(sorted, (size_t)trial->param_count, sizeof *sorted, compare_keys);
    snprintf(trial->id, sizeof trial->id, "%08x",
             (unsigned)(hash_trial(sorted, trial->param_count, trial->seed) >> 32));
    free(sorted);
    TRY(files_path(&trial->config, "runs/sweeps/%s/%s.ini", sweep->name, trial->id));
    return files_path(&trial->run_dir, "runs/sweeps/%s/%s", sweep->name, trial->id);
}

Status trial_describe(const Trial *trial, char **text) {
    size_t size;
    FILE *out = open_memstream(text, &size);
    if (!out)
        return status_no_memory("a trial's name", 256);
    for (int i = 0; i < trial->param_count; i++)
        fprintf(out, "%s = %s, ", trial->params[i].key, trial->params[i].value);
    fprintf(out, "train.seed = %" PRId64, trial->seed);
    return fclose(out) == 0 ? NULL : status_no_memory("a trial's name", 256);
}

int64_t sweep_find_trial(const Sweep *sweep, const char *id) {
    for (int64_t i = 0; i < sweep->count; i++)
        if (strcmp(sweep->trials[i].id, id) == 0)
            return i;
    return -1;
}

static void free_trial(Trial *trial) {
    for (int i = 0; i < trial->param_count; i++) {
        free(trial->params[i].key);
        free(trial->params[i].value);
    }
    free(trial->params);
    free(trial->config);
    free(trial->run_dir);
    free(trial->before);
}

void sweep_free(Sweep *sweep) {
    for (int64_t i = 0; i < sweep->count; i++)
        free_trial(&sweep->trials[i]);
    free(sweep->trials);
    free(sweep->base);
    free(sweep->command);
    free(sweep->metric);
    *sweep = (Sweep){0};
}
