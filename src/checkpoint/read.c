/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/read.h"
#include "base/files.h"
#include "base/text.h"
#include "checkpoint/checksums.h"
#include "checkpoint/directory.h"
#include "checkpoint/fp8.h"
#include "checkpoint/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status read_state(const char *path, int64_t step, TrainState *state) {
    char *file, *text = NULL;
    size_t size;
    TRY(files_path(&file, "%s/%s", path, CHECKPOINT_STATE));
    Status status = files_read(file, &text, &size);
    if (!status)
        status = checkpoint_state_parse(text, file, state);
    if (!status && state->step != step)
        status =
            status_error(EXIT_DATA, "%s: belongs to step %" PRId64 ": the directory was renamed", file, state->step);
    free(text);
    free(file);
    return status;
}

static Status open_tensors(const char *path, const char *name, SafeTensors **tensors) {
    char *file;
    TRY(files_path(&file, "%s/%s", path, name));
    Status status = safetensors_open(file, tensors);
    free(file);
    return status;
}

/* Whether the file has a moment of the tensor. */
static bool has_moment(const SafeTensors *moments, const char *prefix, const Param *param) {
    char name[96];
    snprintf(name, sizeof name, "%s%s", prefix, param->name);
    return safetensors_find(moments, name) != NULL;
}

/* Earlier versions also kept the moments of frozen tensors, which were never other than 0. */
static int count_moments(const Params *params, const SafeTensors *moments) {
    int count = 0;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        count += param_is_trained(param) ? 2
                 : param->frozen         ? has_moment(moments, "m.", param) + has_moment(moments, "v.", param)
                                         : 0;
    }
    return count;
}

static Status read_tensors(const char *path, const Params *params) {
    SafeTensors *weights = NULL, *moments = NULL;
    Status status = open_tensors(path, CHECKPOINT_WEIGHTS, &weights);
    if (!status)
        status = open_tensors(path, CHECKPOINT_OPTIMIZER, &moments);
    const int wanted = status ? 0 : count_moments(params, moments);
    if (!status && (safetensors_count(weights) != params->count || safetensors_count(moments) != wanted))
        status = status_error(EXIT_DATA, "%s: has %d tensors and %d moments, the model has %d and %d", path,
                              safetensors_count(weights), safetensors_count(moments), params->count, wanted);
    if (!status)
        status = params_read(params, params->value, weights, "");
    if (!status)
        status = params_read(params, params->m, moments, "m.");
    if (!status)
        status = params_read(params, params->v, moments, "v.");
    safetensors_close(weights);
    safetensors_close(moments);
    return status;
}

/* The scales of a model in FP8; *scales is NULL for a checkpoint of a run without FP8. */
static Status open_scales(const char *path, const Fp8 *fp8, SafeTensors **scales) {
    *scales = NULL;
    char *file;
    if (!fp8_linears(fp8))
        return NULL;
    TRY(files_path(&file, "%s/" CHECKPOINT_FP8, path));
    Status status = files_exists(file) ? checkpoint_fp8_open(file, fp8, scales) : NULL;
    free(file);
    return status;
}

/* Everything is verified before the first parameter changes. */
static Status read_checkpoint(const char *path, int64_t step, const Params *params, TrainState *state,
                              bool *scales_reset) {
    TrainState read;
    SafeTensors *scales;
    TRY(checkpoint_verify(path));
    TRY(read_state(path, step, &read));
    TRY(open_scales(path, params->fp8, &scales));
    Status status = read_tensors(path, params);
    if (!status)
        status = scales ? checkpoint_fp8_apply(scales, params->fp8) : fp8_reset(params->fp8);
    *scales_reset = fp8_linears(params->fp8) && !scales;
    safetensors_close(scales);
    if (!status)
        *state = read;
    return status;
}

static Status add_note(char **note, const char *name, const char *what, const char *message) {
    char *longer;
    TRY(text_format(&longer, "%s%s%s %s%s", *note ? *note : "", *note ? "; " : "", name, what, message));
    free(*note);
    *note = longer;
    return NULL;
}

/* Lists the directories instead of following the link `latest`: losing the link must not lose the run. */
Status checkpoint_read(const char *dir, const Params *params, TrainState *state, bool *found, char **note) {
    CheckpointEntry *entries;
    int count;
    *found = false;
    *note = NULL;
    TRY(checkpoint_list(dir, &entries, &count));
    Status status = NULL;
    bool reset = false;
    for (int i = 0; i < count && !status && !*found; i++) {
        char *path;
        Status damage = files_path(&path, "%s/%s", dir, entries[i].name);
        if (!damage)
            damage = read_checkpoint(path, entries[i].step, params, state, &reset);
        free(path);
        if (!damage) {
            *found = true;
            if (reset)
                status = add_note(note, entries[i].name, "has no FP8 scales: they are reset", "");
        } else if (status_code(damage) == EXIT_DATA || status_code(damage) == EXIT_IO) {
            status = add_note(note, entries[i].name, "skipped: ", status_message(damage));
            status_free(damage);
        } else {
            status = damage; /* a lack of memory says nothing about the checkpoint */
        }
    }
    free(entries);
    if (!status && count && !*found)
        status = status_error(EXIT_DATA,
                              "%s: all %d checkpoints are damaged; restore one from a copy, or start a new run "
                              "(--force): %s",
                              dir, count, *note);
    if (status) {
        free(*note);
        *note = NULL;
    }
    return status;
}
