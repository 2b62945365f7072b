/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/copy.h"

#include <string.h>

static void lay_out_copy(CheckpointCopy *copy, Arena *arena) {
    const Params *params = copy->params;
    arena_group(arena, "checkpoint's copy");
    copy->value = arena_take(arena, params->total * sizeof(float));
    copy->m = arena_take(arena, params->trained * sizeof(float));
    copy->v = arena_take(arena, params->trained * sizeof(float));
}

void checkpoint_copy_measure(const Params *params, Arena *arena) {
    CheckpointCopy copy = {.params = params};
    lay_out_copy(&copy, arena);
}

static Status open_stream(CheckpointCopy *copy) {
    const Device *device = copy->device;
    TRY(device->stream_open(device, &copy->stream));
    TRY(device->event_open(device, &copy->ready));
    return device->event_open(device, &copy->done);
}

Status checkpoint_copy_open(CheckpointCopy *copy, const Params *params) {
    static const char what[] = "the checkpoint's staging copy";
    const Device *device = params->device;
    *copy = (CheckpointCopy){.params = params, .device = device};
    Arena arena = {0};
    lay_out_copy(copy, &arena);
    if (device->host_memory) {
        TRY(arena_open(&copy->arena, arena.used, what));
        lay_out_copy(copy, &copy->arena);
        return NULL;
    }
    TRY(device->allocate_pinned(device, arena.used, what, &copy->pinned));
    arena = (Arena){.base = copy->pinned, .size = arena.used};
    lay_out_copy(copy, &arena);
    return open_stream(copy);
}

void checkpoint_copy_close(CheckpointCopy *copy) {
    const Device *device = copy->device;
    if (copy->stream)
        device->stream_close(device, copy->stream);
    if (copy->ready)
        device->event_close(device, copy->ready);
    if (copy->done)
        device->event_close(device, copy->done);
    if (copy->pinned)
        device->release_pinned(device, copy->pinned);
    arena_close(&copy->arena);
    *copy = (CheckpointCopy){0};
}

void checkpoint_copy_make(CheckpointCopy *copy) {
    const Params *params = copy->params;
    memcpy(copy->value, params->value, params->total * sizeof(float));
    if (params->trained) {
        memcpy(copy->m, params->m, params->trained * sizeof(float));
        memcpy(copy->v, params->v, params->trained * sizeof(float));
    }
}

Status checkpoint_copy_start(CheckpointCopy *copy) {
    const Device *device = copy->device;
    const Params *params = copy->params;
    const size_t all = params->total * sizeof(float), moments = params->trained * sizeof(float);
    TRY(device->event_record(device, copy->ready, NULL));
    TRY(device->stream_wait_event(device, copy->ready, copy->stream));
    TRY(device->copy(device, copy->stream, copy->value, params->value, all, COPY_TO_HOST));
    TRY(device->copy(device, copy->stream, copy->m, params->m, moments, COPY_TO_HOST));
    TRY(device->copy(device, copy->stream, copy->v, params->v, moments, COPY_TO_HOST));
    return device->event_record(device, copy->done, copy->stream);
}

Status checkpoint_copy_finish(CheckpointCopy *copy) {
    return copy->device->event_wait(copy->device, copy->done);
}
