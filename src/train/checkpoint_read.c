#include "checkpoint_files.h"
#include "files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static Status read_state(const char *path, int64_t step, TrainState *state) {
    char *file = files_path("%s/%s", path, CHECKPOINT_STATE), *text = NULL;
    size_t size;
    if (!file)
        return status_no_memory("a path", strlen(path));
    Status status = files_read(file, &text, &size);
    if (!status)
        status = checkpoint_state_parse(text, file, state);
    if (!status && state->step != step)
        status = status_error(EXIT_DATA, "%s: is of step %" PRId64 ": the directory was renamed", file, state->step);
    free(text);
    free(file);
    return status;
}

static Status open_tensors(const char *path, const char *name, SafeTensors **tensors) {
    char *file = files_path("%s/%s", path, name);
    if (!file)
        return status_no_memory("a path", strlen(path));
    Status status = safetensors_open(file, tensors);
    free(file);
    return status;
}

static Status read_tensors(const char *path, const Params *params) {
    SafeTensors *weights = NULL, *moments = NULL;
    int trainable = 0;
    for (int i = 0; i < params->count; i++)
        trainable += params->list[i].trainable;
    Status status = open_tensors(path, CHECKPOINT_WEIGHTS, &weights);
    if (!status)
        status = open_tensors(path, CHECKPOINT_OPTIMIZER, &moments);
    if (!status && (safetensors_count(weights) != params->count || safetensors_count(moments) != 2 * trainable))
        status = status_error(EXIT_DATA, "%s: holds %d tensors and %d moments, the model has %d and %d", path,
                              safetensors_count(weights), safetensors_count(moments), params->count, 2 * trainable);
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

/* Everything is verified before the first parameter changes. */
static Status read_checkpoint(const char *path, int64_t step, const Params *params, TrainState *state) {
    TrainState read;
    TRY(checkpoint_verify(path));
    TRY(read_state(path, step, &read));
    TRY(read_tensors(path, params));
    *state = read;
    return NULL;
}

static Status append(char **note, const char *name, const char *message) {
    char *longer = *note ? files_path("%s; %s passed over: %s", *note, name, message)
                         : files_path("%s passed over: %s", name, message);
    if (!longer)
        return status_no_memory("a note on damaged checkpoints", strlen(message));
    free(*note);
    *note = longer;
    return NULL;
}

/* The directories themselves are looked through, not the link `latest`: losing it must not lose the run. */
Status checkpoint_read(const char *dir, const Params *params, TrainState *state, bool *found, char **note) {
    CheckpointEntry *entries;
    int count;
    *found = false;
    *note = NULL;
    TRY(checkpoint_list(dir, &entries, &count));
    Status status = NULL;
    for (int i = 0; i < count && !status && !*found; i++) {
        char *path = files_path("%s/%s", dir, entries[i].name);
        Status damage =
            path ? read_checkpoint(path, entries[i].step, params, state) : status_no_memory("a path", strlen(dir));
        free(path);
        if (!damage) {
            *found = true;
        } else if (status_code(damage) == EXIT_DATA || status_code(damage) == EXIT_IO) {
            status = append(note, entries[i].name, status_message(damage));
            status_free(damage);
        } else {
            status = damage; /* want of memory says nothing about the checkpoint */
        }
    }
    free(entries);
    if (!status && count && !*found)
        status = status_error(EXIT_DATA,
                              "%s: none of the %d checkpoints is sound; put one back from a copy, or start afresh "
                              "(--force): %s",
                              dir, count, *note);
    if (status) {
        free(*note);
        *note = NULL;
    }
    return status;
}
