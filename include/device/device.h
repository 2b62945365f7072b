/* SPDX-License-Identifier: Apache-2.0 */
/* Where the operations run and their memory is: the CPU (plain memory, nothing to wait for), or a GPU through
 * libfovea_cuda.so, which is opened on request, so that programs start without it.
 *
 * One table of function pointers, as for the operations. Streams run concurrently, each in order; NULL is the compute
 * stream, on which the operations run. A failure that the device detects late (a kernel that could not run, a GPU
 * that is gone) is the status of the next call that waits. Not for use by several threads at once.
 *
 * Failures: EXIT_MISSING when the device is absent, lost, or its memory is broken; EXIT_NO_MEMORY with the amount
 * requested, what is free and the total; EXIT_INTERNAL for a kernel that failed. */
#ifndef FOVEA_DEVICE_DEVICE_H
#define FOVEA_DEVICE_DEVICE_H

#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* auto: a GPU that works, else the CPU. emu: the GPU's kernels run by the emulator of kernels/emu, for tests. */
typedef enum { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA, DEVICE_EMU } DeviceKind;

typedef enum { COPY_TO_DEVICE, COPY_TO_HOST, COPY_ON_DEVICE } CopyDirection;

typedef struct Stream Stream;
typedef struct Event Event;
typedef struct Graph Graph;
struct Ops;

/* A choice between several ways to compute the same, made by timing them on the device. */
typedef struct {
    const char *key;     /* what is computed: operation, types, sizes */
    const char *choice;  /* the way, in the backend's own words */
    double microseconds; /* that it took */
    bool refused;        /* autotune_import() named another way for it, which the device could not use */
} AutotuneChoice;

/* Version of a library or driver the device depends on. */
typedef struct {
    const char *name; /* "cudnn" */
    char text[40];    /* "9.19.0" */
} DeviceVersion;
enum { DEVICE_VERSIONS = 8 };

typedef struct Device Device;
struct Device {
    const char *name;    /* "cpu", "cuda", "emu" */
    char model[128];     /* "NVIDIA H200, 140.4 GiB"; "" for the CPU */
    bool host_memory;    /* the host may read and write the device's memory, and nothing runs behind its back */
    bool unified;        /* a GPU whose memory is the host's */
    int capability;      /* a GPU's compute capability, 90 for 9.0; 0: the CPU */
    int multiprocessors; /* of a GPU; 0: the CPU */
    char pci[32];        /* a GPU's address on the PCI bus, "0000:3b:00.0"; "": none, or unknown */
    /* What choices are valid for, such as GPU, driver and library; "": there is nothing to choose, and autotune(),
     * autotune_import() and autotune_export() must not be called. */
    char tuned_on[256];
    size_t ops_size; /* of the table that operations() fills */
    void *context;   /* the backend's own */
    void *library;   /* that the device came from, as dlopen() returned it; NULL: the CPU */

    /* Device memory, 256-byte aligned, not cleared; `what` is for the message. release(NULL) does nothing. */
    Status (*allocate)(const Device *device, size_t bytes, const char *what, void **memory);
    void (*release)(const Device *device, void *memory);
    /* Host memory for copies that run while the host continues. */
    Status (*allocate_pinned)(const Device *device, size_t bytes, const char *what, void **memory);
    void (*release_pinned)(const Device *device, void *memory);
    /* Bytes of device memory: free and in all. */
    Status (*memory)(const Device *device, size_t *free, size_t *total);
    /* Allocates the operations' scratch memory (ops/gpu_scratch.h) at once, before the first operation. Operations
     * that need more allocate more. Nothing on the CPU. */
    Status (*reserve_scratch)(const Device *device, size_t bytes);

    /* In the stream's order. Pageable host memory may be reused on return; pinned memory once the stream has passed
     * the copy. */
    Status (*copy)(const Device *device, Stream *stream, void *to, const void *from, size_t bytes,
                   CopyDirection direction);
    Status (*fill)(const Device *device, Stream *stream, void *to, int byte, size_t bytes);
    /* Until all work queued on the stream is done. */
    Status (*wait)(const Device *device, Stream *stream);

    Status (*stream_open)(const Device *device, Stream **stream);
    void (*stream_close)(const Device *device, Stream *stream);

    /* A mark in a stream: streams wait for it on the device, the host by event_wait(). */
    Status (*event_open)(const Device *device, Event **event);
    void (*event_close)(const Device *device, Event *event);
    Status (*event_record)(const Device *device, Event *event, Stream *stream);
    /* What is queued on the stream from now on starts after the event. */
    Status (*stream_wait_event)(const Device *device, Event *event, Stream *stream);
    Status (*event_wait)(const Device *device, Event *event);
    Status (*event_done)(const Device *device, const Event *event, bool *done);
    /* Seconds between two events that are done. */
    Status (*event_seconds)(const Device *device, const Event *from, const Event *to, double *seconds);

    /* Between begin and end the compute stream's work is recorded and not done; the graph then does it any number of
     * times, with the same pointers. *graph is NULL where work cannot be recorded (the CPU): it was done at once, and
     * is repeated by calling the same functions again. */
    Status (*capture_begin)(const Device *device);
    Status (*capture_end)(const Device *device, Graph **graph);
    Status (*graph_launch)(const Device *device, Graph *graph);
    void (*graph_close)(const Device *device, Graph *graph);

    /* Fills the table of operations, in FP32; `type` may be set afterwards. `threads` is for the CPU. */
    void (*operations)(const Device *device, int threads, struct Ops *ops);
    /* How ways to compute are chosen; to be called before the first operation. Initially, and without `timed`: the one
     * that is recommended without trying. `timed`: the fastest, found when a shape first occurs, which then takes
     * longer and waits; never while work is captured. Results are bit-identical from run to run as long as the choices
     * are. */
    void (*autotune)(const Device *device, bool timed);
    /* Takes over choices of a device with the same `tuned_on`, before the first operation. */
    Status (*autotune_import)(const Device *device, const AutotuneChoice *entries, size_t count);
    /* All choices, those taken over included, valid until the next operation. The list only grows, or entries become
     * `refused`. */
    const AutotuneChoice *(*autotune_export)(const Device *device, size_t *count);
    /* One line about the operations so far that the user should know; NULL: nothing. */
    const char *(*note)(const Device *device);
    /* What is known by now, some of it only after first use; returns how many. */
    int (*versions)(const Device *device, DeviceVersion versions[DEVICE_VERSIONS]);
    /* Marks what the host is doing, for a profiler; ranges nest. Operations have ranges of their own. */
    void (*range_push)(const Device *device, const char *name);
    void (*range_pop)(const Device *device);
    void (*close)(Device *device);
};

/* The CPU. Needs no closing. */
const Device *device_cpu(void);

/* Copies and waits: the host memory may be reused, or is filled, on return. */
Status device_write(const Device *device, void *to, const void *from, size_t bytes) MUST_USE;
Status device_read(const Device *device, void *to, const void *from, size_t bytes) MUST_USE;

/* An arena of zeroed device memory; see arena.h. */
Status device_arena_open(const Device *device, Arena *arena, size_t size, const char *what) MUST_USE;
void device_arena_close(const Device *device, Arena *arena);

#ifdef __cplusplus
}
#endif
#endif
