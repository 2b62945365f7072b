/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/host_memory.h"
#include "kernels/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>

/* All work is done when a call returns, so a stream holds nothing and an event only its time. */
struct Stream {
    char nothing;
};
struct Event {
    double recorded; /* clock_now() */
};

enum { ALIGNMENT = 256 };

static Status cpu_allocate(const Device *device, size_t bytes, const char *what, void **memory) {
    (void)device;
    *memory =
        bytes > SIZE_MAX - ALIGNMENT ? NULL : aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    return *memory ? NULL : status_no_memory(what, bytes);
}

static void cpu_release(const Device *device, void *memory) {
    (void)device;
    free(memory);
}

static Status cpu_memory(const Device *device, size_t *free, size_t *total) {
    (void)device;
    HostMemory memory;
    host_memory_read(&memory);
    if (memory.total < 0 || memory.available < 0)
        return status_error(EXIT_MISSING, "/proc/meminfo does not say how much memory this machine has; mount /proc");
    *free = (size_t)memory.available;
    *total = (size_t)memory.total;
    return NULL;
}

static Status cpu_reserve_scratch(const Device *device, size_t bytes) {
    (void)device, (void)bytes;
    return NULL;
}

static Status cpu_copy(const Device *device, Stream *stream, void *to, const void *from, size_t bytes,
                       CopyDirection direction) {
    (void)device, (void)stream, (void)direction;
    if (bytes)
        memcpy(to, from, bytes);
    return NULL;
}

static Status cpu_fill(const Device *device, Stream *stream, void *to, int byte, size_t bytes) {
    (void)device, (void)stream;
    if (bytes)
        memset(to, byte, bytes);
    return NULL;
}

static Status cpu_wait(const Device *device, Stream *stream) {
    (void)device, (void)stream;
    return NULL;
}

static Status cpu_stream_open(const Device *device, Stream **stream) {
    (void)device;
    *stream = calloc(1, sizeof **stream);
    return *stream ? NULL : status_no_memory("a stream", sizeof **stream);
}

static void cpu_stream_close(const Device *device, Stream *stream) {
    (void)device;
    free(stream);
}

static Status cpu_event_open(const Device *device, Event **event) {
    (void)device;
    *event = calloc(1, sizeof **event);
    return *event ? NULL : status_no_memory("an event", sizeof **event);
}

static void cpu_event_close(const Device *device, Event *event) {
    (void)device;
    free(event);
}

static Status cpu_event_record(const Device *device, Event *event, Stream *stream) {
    (void)device, (void)stream;
    event->recorded = clock_now();
    return NULL;
}

static Status cpu_stream_wait_event(const Device *device, Event *event, Stream *stream) {
    (void)device, (void)event, (void)stream;
    return NULL;
}

static Status cpu_event_wait(const Device *device, Event *event) {
    (void)device, (void)event;
    return NULL;
}

static Status cpu_event_done(const Device *device, const Event *event, bool *done) {
    (void)device, (void)event;
    *done = true;
    return NULL;
}

static Status cpu_event_seconds(const Device *device, const Event *from, const Event *to, double *seconds) {
    (void)device;
    *seconds = to->recorded - from->recorded;
    return NULL;
}

static Status cpu_capture_begin(const Device *device) {
    (void)device;
    return NULL;
}

static Status cpu_capture_end(const Device *device, Graph **graph) {
    (void)device;
    *graph = NULL;
    return NULL;
}

static Status cpu_graph_launch(const Device *device, Graph *graph) {
    (void)device, (void)graph;
    return status_error(EXIT_INTERNAL, "the CPU keeps no work that could be launched again");
}

static void cpu_graph_close(const Device *device, Graph *graph) {
    (void)device, (void)graph;
}

static void cpu_operations(const Device *device, int threads, Ops *ops) {
    (void)device;
    ops_cpu(ops, threads);
}

static const char *cpu_note(const Device *device) {
    (void)device;
    return NULL;
}

static int cpu_versions(const Device *device, DeviceVersion versions[DEVICE_VERSIONS]) {
    (void)device, (void)versions;
    return 0;
}

static void cpu_range_push(const Device *device, const char *name) {
    (void)device, (void)name;
}

static void cpu_range_pop(const Device *device) {
    (void)device;
}

static void cpu_close(Device *device) {
    (void)device;
}

static const Device cpu = {
    .name = "cpu",
    .host_memory = true,
    .ops_size = sizeof(Ops),
    .allocate = cpu_allocate,
    .release = cpu_release,
    .allocate_pinned = cpu_allocate,
    .release_pinned = cpu_release,
    .memory = cpu_memory,
    .reserve_scratch = cpu_reserve_scratch,
    .copy = cpu_copy,
    .fill = cpu_fill,
    .wait = cpu_wait,
    .stream_open = cpu_stream_open,
    .stream_close = cpu_stream_close,
    .event_open = cpu_event_open,
    .event_close = cpu_event_close,
    .event_record = cpu_event_record,
    .stream_wait_event = cpu_stream_wait_event,
    .event_wait = cpu_event_wait,
    .event_done = cpu_event_done,
    .event_seconds = cpu_event_seconds,
    .capture_begin = cpu_capture_begin,
    .capture_end = cpu_capture_end,
    .graph_launch = cpu_graph_launch,
    .graph_close = cpu_graph_close,
    .operations = cpu_operations,
    .note = cpu_note,
    .versions = cpu_versions,
    .range_push = cpu_range_push,
    .range_pop = cpu_range_pop,
    .close = cpu_close,
};

const Device *device_cpu(void) {
    return &cpu;
}

void ops_cpu(Ops *ops, int threads) {
    *ops = (Ops){.name = "cpu", .device = device_cpu(), .type = REAL_FP32, .threads = threads < 1 ? 1 : threads};
#define CPU_FILL(operation, Arguments) ops->operation = cpu_##operation;
    OPERATIONS(CPU_FILL)
#undef CPU_FILL
}

Status ops_error(Ops *ops) {
    Status error = ops->error;
    ops->error = NULL;
    return error;
}
