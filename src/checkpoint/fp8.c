/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/fp8.h"

#include "base/files.h"
#include "base/safetensors_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64 };

void checkpoint_fp8_place(CheckpointFp8 *state, const Params *params, Arena *arena) {
    const size_t layers = (size_t)params->fp8_linears, scales = layers * FP8_TENSORS;
    state->layers = params->fp8_linears;
    if (!layers)
        return;
    arena_group(arena, "checkpoint's scales of FP8");
    state->scales = arena_take(arena, scales * sizeof *state->scales);
    state->scale = arena_take(arena, scales * sizeof *state->scale);
    state->history = arena_take(arena, scales * FP8_HISTORY * sizeof *state->history);
    state->position = arena_take(arena, scales * sizeof *state->position);
    state->recent = arena_take(arena, scales * sizeof *state->recent);
    state->overflows = arena_take(arena, scales * sizeof *state->overflows);
    state->saturated = arena_take(arena, scales * sizeof *state->saturated);
    state->off = arena_take(arena, layers);
    state->names = arena_take(arena, layers * NAME);
}

/* Writes "NAME NAME NAME"; `names` has NAME bytes for each layer. */
static void list_names(const Fp8 *fp8, char *names) {
    size_t used = 0;
    names[0] = '\0';
    for (int i = 0; i < fp8_linears(fp8); i++)
        used += (size_t)snprintf(names + used, NAME, "%s%s", i ? " " : "", fp8_name(fp8, i));
}

Status checkpoint_fp8_take(CheckpointFp8 *state, const Fp8 *fp8) {
    if (!state->layers)
        return NULL;
    TRY(fp8_read(fp8, state->scales));
    for (int i = 0; i < state->layers * FP8_TENSORS; i++) {
        const Fp8Scale *s = &state->scales[i];
        state->scale[i] = s->scale;
        memcpy(state->history + (size_t)i * FP8_HISTORY, s->history, sizeof s->history);
        state->position[i] = s->position;
        memcpy(&state->recent[i], &s->recent, sizeof s->recent);
        memcpy(&state->overflows[i], &s->overflows, sizeof s->overflows);
        memcpy(&state->saturated[i], &s->all_saturated, sizeof s->all_saturated);
    }
    for (int i = 0; i < state->layers; i++)
        state->off[i] = fp8_is_off(fp8, i);
    list_names(fp8, state->names);
    return NULL;
}

/* The file's tensors for the state's layers; the data may be NULL. */
enum { SCALE, HISTORY, POSITION, RECENT, OVERFLOWS, SATURATED, OFF, PARTS };
static void list_parts(const CheckpointFp8 *state, Tensor parts[PARTS]) {
    const int64_t layers = state->layers, scales = layers * FP8_TENSORS;
    const Tensor list[PARTS] = {
        [SCALE] = {"scale", TYPE_F32, 1, {scales}, scales, state->scale},
        [HISTORY] = {"history", TYPE_F32, 2, {scales, FP8_HISTORY}, scales * FP8_HISTORY, state->history},
        [POSITION] = {"position", TYPE_I32, 1, {scales}, scales, state->position},
        [RECENT] = {"recent", TYPE_I32, 1, {scales}, scales, state->recent},
        [OVERFLOWS] = {"overflows", TYPE_I32, 1, {scales}, scales, state->overflows},
        [SATURATED] = {"saturated", TYPE_I64, 1, {scales}, scales, state->saturated},
        [OFF] = {"off", TYPE_U8, 1, {layers}, layers, state->off},
    };
    memcpy(parts, list, sizeof list);
}

Status checkpoint_fp8_write(const CheckpointFp8 *state, const char *path) {
    Tensor parts[PARTS];
    list_parts(state, parts);
    return safetensors_write(path, parts, PARTS, &(TensorNote){"layers", state->names}, 1);
}

static const void *find_part(const SafeTensors *file, const char *name) {
    return safetensors_find(file, name)->data;
}

static Status check_shapes(const SafeTensors *file, const char *path, const Fp8 *fp8) {
    const CheckpointFp8 wanted = {.layers = fp8_linears(fp8)};
    Tensor parts[PARTS];
    list_parts(&wanted, parts);
    for (int i = 0; i < PARTS; i++) {
        const Tensor *found = safetensors_find(file, parts[i].name);
        if (!found || found->type != parts[i].type || found->count != parts[i].count)
            return status_error(EXIT_DATA, "%s: %s is missing or of another size", path, parts[i].name);
    }
    char *names = malloc((size_t)wanted.layers * NAME);
    if (!names)
        return status_no_memory("the layers' names", (size_t)wanted.layers * NAME);
    list_names(fp8, names);
    const char *note = safetensors_note(file, "layers");
    const bool same = note && strcmp(note, names) == 0;
    free(names);
    return same ? NULL : status_error(EXIT_DATA, "%s: its layers differ from this model's", path);
}

static Status check_values(const SafeTensors *file, const char *path, const Fp8 *fp8) {
    const float *scale = find_part(file, "scale"), *history = find_part(file, "history");
    const int32_t *position = find_part(file, "position");
    for (int i = 0; i < fp8_linears(fp8) * FP8_TENSORS; i++) {
        bool valid = position[i] >= 0 && position[i] < FP8_HISTORY && scale[i] >= 0 && isfinite(scale[i]);
        for (int j = 0; j < FP8_HISTORY; j++)
            valid &= history[i * FP8_HISTORY + j] >= 0 && isfinite(history[i * FP8_HISTORY + j]);
        if (!valid)
            return status_error(EXIT_DATA, "%s: scale %d of %s is not a valid scale", path, i % FP8_TENSORS,
                                fp8_name(fp8, i / FP8_TENSORS));
    }
    return NULL;
}

Status checkpoint_fp8_open(const char *path, const Fp8 *fp8, SafeTensors **file) {
    TRY(safetensors_open(path, file));
    Status status = check_shapes(*file, path, fp8);
    if (!status)
        status = check_values(*file, path, fp8);
    if (status) {
        safetensors_close(*file);
        *file = NULL;
    }
    return status;
}

Status checkpoint_fp8_apply(const SafeTensors *file, Fp8 *fp8) {
    const int layers = fp8_linears(fp8);
    const float *scale = find_part(file, "scale"), *history = find_part(file, "history");
    const int32_t *position = find_part(file, "position"), *recent = find_part(file, "recent");
    const int32_t *overflows = find_part(file, "overflows");
    const int64_t *saturated = find_part(file, "saturated");
    const uint8_t *off = find_part(file, "off");
    Fp8Scale *scales = calloc((size_t)layers * FP8_TENSORS, sizeof *scales);
    if (!scales)
        return status_no_memory("the scales of FP8", (size_t)layers * FP8_TENSORS * sizeof *scales);
    for (int i = 0; i < layers * FP8_TENSORS; i++) {
        Fp8Scale *s = &scales[i];
        *s = (Fp8Scale){.scale = scale[i],
                        .inverse = scale[i] > 0 ? 1 / scale[i] : 1,
                        .format = i % FP8_TENSORS == FP8_GRADIENT ? FP8_E5M2 : FP8_E4M3,
                        .position = position[i],
                        .recent = (uint32_t)recent[i],
                        .overflows = (uint32_t)overflows[i],
                        .all_saturated = (uint64_t)saturated[i]};
        memcpy(s->history, history + (size_t)i * FP8_HISTORY, sizeof s->history);
    }
    for (int i = 0; i < layers; i++)
        fp8_turn_off(fp8, i, off[i] != 0);
    Status status = fp8_write(fp8, scales);
    free(scales);
    return status;
}
