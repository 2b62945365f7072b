/* SPDX-License-Identifier: Apache-2.0 */
#include "device/plugin.h"
#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/cuda.cuh"
#include "kernels/cuda/matmul.cuh"
#include "kernels/cuda/nvtx_ranges.cuh"
#include "kernels/cuda/versions.cuh"
#include "ops/gpu_scratch.h"

#include <stdio.h>
#include <stdlib.h>

/* The same source serves the GPU and, under another compiler, its emulation. */
#ifdef __CUDACC__
static const char *const BACKEND = "cuda";
#else
static const char *const BACKEND = "emu";
#endif

static const double MEGABYTE = 1e6, GIBIBYTE = 1 << 30;
static const size_t MIN_SCRATCH = 1 << 20;

struct Scratch {
    Scratch *next;
    void *memory;
};

static Cuda *context_of(const Device *device) {
    return (Cuda *)device->context;
}

static cudaStream_t stream_of(const Device *device, Stream *stream) {
    return stream ? (cudaStream_t)stream : context_of(device)->stream;
}

/* The failure of a call: its own, or that of something launched before. */
static Status late_status(const Device *device, const char *call, cudaError_t error) {
    if (error == cudaSuccess)
        return NULL;
    const char *last = context_of(device)->last;
    char what[256];
    snprintf(what, sizeof what, "%s, last launched %s", call, last ? last : "nothing");
    return cuda_status(what, error);
}

static Status device_allocate(const Device *device, size_t bytes, const char *what, void **memory) {
    *memory = NULL;
    const cudaError_t error = cudaMalloc(memory, bytes ? bytes : 1);
    if (error != cudaErrorMemoryAllocation)
        return late_status(device, what, error);
    (void)cudaGetLastError();
    return plugin_no_memory(device, what, bytes);
}

static void device_release(const Device *, void *memory) {
    if (cudaFree(memory) != cudaSuccess)
        (void)cudaGetLastError(); /* the next wait reports what else failed */
}

static Status device_allocate_pinned(const Device *device, size_t bytes, const char *what, void **memory) {
    *memory = NULL;
    const cudaError_t error = cudaMallocHost(memory, bytes ? bytes : 1);
    if (error != cudaErrorMemoryAllocation)
        return late_status(device, what, error);
    (void)cudaGetLastError();
    return status_error(EXIT_NO_MEMORY,
                        "out of memory: cannot allocate %.1f MB of pinned host memory for %s; free memory of the host",
                        (double)bytes / MEGABYTE, what);
}

static void device_release_pinned(const Device *, void *memory) {
    if (cudaFreeHost(memory) != cudaSuccess)
        (void)cudaGetLastError();
}

static Status device_memory(const Device *device, size_t *available, size_t *total) {
    return late_status(device, "the GPU's memory", cudaMemGetInfo(available, total));
}

static Status device_copy(const Device *device, Stream *stream, void *to, const void *from, size_t bytes,
                          CopyDirection direction) {
    static const cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
    if (!bytes)
        return NULL;
    return late_status(device, "copy", cudaMemcpyAsync(to, from, bytes, kinds[direction], stream_of(device, stream)));
}

static Status device_fill(const Device *device, Stream *stream, void *to, int byte, size_t bytes) {
    if (!bytes)
        return NULL;
    return late_status(device, "fill", cudaMemsetAsync(to, byte, bytes, stream_of(device, stream)));
}

/* The CPU reports the same: cpu_check_ids(), check_label() of cpu/loss.c, cpu_pixels_to_patches(), resize_pixels(). */
static Status kernel_error_status(const KernelError *found) {
    switch (found->kind) {
    case KERNEL_ERROR_NONE:
        return NULL;
    case KERNEL_ERROR_ID:
        return status_error(EXIT_INTERNAL, "%s: ids[%d][%d] is %d, not a patch of 0 .. %d", found->operation,
                            found->row, found->column, found->value, found->limit - 1);
    case KERNEL_ERROR_LABEL:
        return status_error(EXIT_DATA,
                            "%s: label %g of sample %d is not one of %d classes (0 .. %d); correct the task's labels "
                            "or its number of classes",
                            found->operation, (double)found->label, found->row, found->limit, found->limit - 1);
    case KERNEL_ERROR_IMAGE:
        return status_error(EXIT_INTERNAL, "%s: sample %d sees image %d, not one of 0 .. %d", found->operation,
                            found->row, found->value, found->limit - 1);
    case KERNEL_ERROR_CROP:
        return status_error(EXIT_INTERNAL,
                            "resize_pixels: the crop of %d x %d pixels at row %d, column %d is not inside the "
                            "image of %d x %d, or cannot become %d x %d",
                            found->crop.height, found->crop.width, found->crop.top, found->crop.left, found->value,
                            found->limit, found->column, found->column);
    }
    return status_error(EXIT_INTERNAL, "a kernel reported the unknown error %d", found->kind);
}

static Status device_wait(const Device *device, Stream *stream) {
    Cuda *cuda = context_of(device);
    if (stream)
        return late_status(device, "wait", cudaStreamSynchronize((cudaStream_t)stream));
    TRY(device_copy(device, NULL, cuda->found, cuda->reported, sizeof *cuda->found, COPY_TO_HOST));
    TRY(late_status(device, "wait", cudaStreamSynchronize(cuda->stream)));
    if (cuda->found->kind == KERNEL_ERROR_NONE)
        return NULL;
    TRY(device_fill(device, NULL, cuda->reported, 0, sizeof *cuda->reported));
    return kernel_error_status(cuda->found);
}

static Status device_stream_open(const Device *device, Stream **stream) {
    return late_status(device, "a new stream",
                       cudaStreamCreateWithFlags((cudaStream_t *)stream, cudaStreamNonBlocking));
}

static void device_stream_close(const Device *, Stream *stream) {
    if (stream && cudaStreamDestroy((cudaStream_t)stream) != cudaSuccess)
        (void)cudaGetLastError();
}

static Status device_event_open(const Device *device, Event **event) {
    return late_status(device, "a new event", cudaEventCreate((cudaEvent_t *)event));
}

static void device_event_close(const Device *, Event *event) {
    if (event && cudaEventDestroy((cudaEvent_t)event) != cudaSuccess)
        (void)cudaGetLastError();
}

static Status device_event_record(const Device *device, Event *event, Stream *stream) {
    return late_status(device, "event_record", cudaEventRecord((cudaEvent_t)event, stream_of(device, stream)));
}

static Status device_stream_wait_event(const Device *device, Event *event, Stream *stream) {
    return late_status(device, "stream_wait_event",
                       cudaStreamWaitEvent(stream_of(device, stream), (cudaEvent_t)event, 0));
}

static Status device_event_wait(const Device *device, Event *event) {
    return late_status(device, "event_wait", cudaEventSynchronize((cudaEvent_t)event));
}

static Status device_event_done(const Device *device, const Event *event, bool *done) {
    const cudaError_t error = cudaEventQuery((cudaEvent_t)event);
    *done = error == cudaSuccess;
    if (error == cudaErrorNotReady) {
        (void)cudaGetLastError();
        return NULL;
    }
    return late_status(device, "event_done", error);
}

static Status device_event_seconds(const Device *device, const Event *from, const Event *to, double *seconds) {
    float milliseconds = 0;
    TRY(late_status(device, "event_seconds", cudaEventElapsedTime(&milliseconds, (cudaEvent_t)from, (cudaEvent_t)to)));
    *seconds = milliseconds / 1e3;
    return NULL;
}

static Status device_capture_begin(const Device *device) {
    Cuda *cuda = context_of(device);
    TRY(late_status(device, "capture_begin", cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal)));
    cuda->capturing = true;
    return NULL;
}

static Status device_capture_end(const Device *device, Graph **graph) {
    Cuda *cuda = context_of(device);
    cudaGraph_t kept = NULL;
    cudaGraphExec_t ready = NULL;
    *graph = NULL;
    cuda->capturing = false;
    TRY(late_status(device, "capture_end", cudaStreamEndCapture(cuda->stream, &kept)));
    const cudaError_t error = cudaGraphInstantiate(&ready, kept, 0);
    Status status = late_status(device, "capture_end", error);
    (void)cudaGraphDestroy(kept);
    *graph = (Graph *)ready;
    return status;
}

static Status device_graph_launch(const Device *device, Graph *graph) {
    Cuda *cuda = context_of(device);
    cuda->last = "a captured graph";
    return late_status(device, "graph_launch", cudaGraphLaunch((cudaGraphExec_t)graph, cuda->stream));
}

static void device_graph_close(const Device *, Graph *graph) {
    if (graph && cudaGraphExecDestroy((cudaGraphExec_t)graph) != cudaSuccess)
        (void)cudaGetLastError();
}

/* The smaller piece is kept until the device is closed: work still under way and captured graphs use it. */
static Status grow_scratch(const Device *device, const char *what, size_t bytes) {
    Cuda *cuda = context_of(device);
    Scratch *outgrown = (Scratch *)calloc(1, sizeof *outgrown);
    if (!outgrown)
        return status_no_memory("a list of scratch memory", sizeof *outgrown);
    void *memory;
    Status status = device_allocate(device, bytes, what, &memory);
    if (status) {
        free(outgrown);
        return status;
    }
    *outgrown = Scratch{cuda->outgrown, cuda->scratch};
    cuda->outgrown = outgrown;
    cuda->scratch = memory;
    cuda->scratch_bytes = bytes;
    return NULL;
}

void *cuda_scratch(Ops *ops, const char *operation, size_t bytes) {
    Cuda *cuda = cuda_context(ops);
    if (ops->error)
        return NULL;
    if (bytes <= cuda->scratch_bytes && cuda->scratch)
        return cuda->scratch;
    if (cuda->capturing) {
        cuda_fail(ops, status_error(EXIT_INTERNAL,
                                    "%s: its scratch memory would have to grow from %zu to %zu bytes while work is "
                                    "captured; run the operation once before",
                                    operation, cuda->scratch_bytes, bytes));
        return NULL;
    }
    /* At least a quarter larger each time, so that many sizes do not make many pieces. */
    const size_t larger = cuda->scratch_bytes + cuda->scratch_bytes / 4;
    const size_t least = larger > MIN_SCRATCH ? larger : MIN_SCRATCH;
    Status status = grow_scratch(ops->device, operation, bytes > least ? bytes : least);
    if (status) {
        cuda_fail(ops, status);
        return NULL;
    }
    return cuda->scratch;
}

static Status device_reserve_scratch(const Device *device, size_t bytes) {
    return bytes > context_of(device)->scratch_bytes ? grow_scratch(device, "the kernels' scratch memory", bytes)
                                                     : NULL;
}

#define CUDA_NAME(operation, Arguments) static constexpr char name_of_##operation[] = #operation;
OPERATIONS(CUDA_NAME)
#undef CUDA_NAME

static void device_operations(const Device *device, int, Ops *ops) {
    *ops = Ops{};
    ops->name = device->name;
    ops->device = device;
    ops->type = REAL_FP32;
    ops->threads = 1;
#define CUDA_FILL(operation, Arguments)                                                                                \
    ops->operation = Ranged<decltype(ops->operation)>::call<cuda_##operation, name_of_##operation>;
    OPERATIONS(CUDA_FILL)
#undef CUDA_FILL
}

/* The library made its choices so far in the other way. */
static void device_autotune(const Device *device, bool timed) {
    matmul_forget(context_of(device));
    autotune_set_timed(context_of(device), timed);
}

static Status device_autotune_import(const Device *device, const AutotuneChoice *entries, size_t count) {
    return autotune_import(context_of(device), entries, count);
}

static const AutotuneChoice *device_autotune_export(const Device *device, size_t *count) {
    return autotune_export(context_of(device), count);
}

static const char *device_note(const Device *device) {
    return attention_library_note(context_of(device));
}

static void device_range_push(const Device *, const char *name) {
    nvtxRangePushA(name);
}

static void device_range_pop(const Device *) {
    nvtxRangePop();
}

static void device_end(Device *device) {
    Cuda *cuda = context_of(device);
    if (!cuda)
        return;
    if (cuda->stream)
        (void)cudaStreamSynchronize(cuda->stream);
    attention_library_close(cuda);
    matmul_close(cuda);
    autotune_close(cuda);
    while (cuda->outgrown) {
        Scratch *next = cuda->outgrown->next;
        device_release(device, cuda->outgrown->memory);
        free(cuda->outgrown);
        cuda->outgrown = next;
    }
    device_release(device, cuda->scratch);
    device_release(device, cuda->reported);
    device_release_pinned(device, cuda->found);
    device_stream_close(device, (Stream *)cuda->stream);
    free(cuda);
    device->context = NULL;
}

/* Whether there is a GPU that this library's runtime can drive. */
static Status find_gpu() {
    int driver = 0, runtime = 0, count = 0;
    TRY(cuda_status("the NVIDIA driver", cudaDriverGetVersion(&driver)));
    TRY(cuda_status("the CUDA runtime", cudaRuntimeGetVersion(&runtime)));
    if (!driver)
        return status_error(EXIT_MISSING,
                            "no NVIDIA driver is installed: on a machine with a GPU, install one for CUDA %d.%d or "
                            "later; `nvidia-smi` then lists the GPUs",
                            runtime / 1000, runtime % 1000 / 10);
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorInsufficientDriver) {
        (void)cudaGetLastError();
        return status_error(
            EXIT_MISSING,
            "the NVIDIA driver is too old: it supports CUDA %d.%d, this program was built with CUDA "
            "%d.%d; install a newer driver, or on a data-centre GPU the package cuda-compat-%d-%d, whose "
            "folder goes first in LD_LIBRARY_PATH, or build with an older CUDA",
            driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10, runtime / 1000,
            runtime % 1000 / 10);
    }
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
        (void)cudaGetLastError();
        return status_error(
            EXIT_MISSING,
            "the NVIDIA driver shows no GPU%s%s; `nvidia-smi` lists all, and a container sees only those "
            "assigned to it (docker run --gpus all)",
            visible ? ": CUDA_VISIBLE_DEVICES is " : "",
            visible && !*visible ? "empty"
            : visible            ? visible
                                 : "");
    }
    return cuda_status("the GPUs", error);
}

/* No error yet. Launched when the device is opened, it also shows whether the library has kernels for this GPU. */
static __global__ void clear_kernel_error(KernelError *error) {
    *error = KernelError{};
}

/* cuDNN is not among them: it is opened on first use, and its choices name it. */
static void name_tuned_on(Device *device) {
    DeviceVersion versions[DEVICE_VERSIONS];
    const int count = cuda_versions(device, versions);
    int used = snprintf(device->tuned_on, sizeof device->tuned_on, "%s", device->model);
    for (int i = 0; i < count && used < (int)sizeof device->tuned_on; i++)
        used += snprintf(device->tuned_on + used, sizeof device->tuned_on - used, "; %s %s", versions[i].name,
                         versions[i].text);
}

/* The GPU's properties first: by its address its memory's users are found, when it has no memory for a context. */
static Status prepare_device(Device *device, Cuda *cuda) {
    cudaDeviceProp properties;
    TRY(cuda_status("the GPU", cudaGetDeviceProperties(&properties, cuda->index)));
    snprintf(device->model, sizeof device->model, "%.*s, %.1f GiB", (int)sizeof device->model / 2, properties.name,
             (double)properties.totalGlobalMem / GIBIBYTE);
    device->unified = properties.integrated != 0;
    device->capability = 10 * properties.major + properties.minor;
    device->multiprocessors = properties.multiProcessorCount;
    snprintf(device->pci, sizeof device->pci, "%04x:%02x:%02x.0", (unsigned)properties.pciDomainID,
             (unsigned)properties.pciBusID, (unsigned)properties.pciDeviceID);
    TRY(plugin_name_processes(device, cuda_status("the GPU", cudaSetDevice(cuda->index))));
    void *reported, *found;
    Stream *stream;
    TRY(device_stream_open(device, &stream));
    cuda->stream = (cudaStream_t)stream;
    TRY(device_allocate(device, sizeof *cuda->reported, "what kernels report", &reported));
    cuda->reported = (KernelError *)reported;
    TRY(device_allocate_pinned(device, sizeof *cuda->found, "what kernels report", &found));
    cuda->found = (KernelError *)found;
    Ops ops;
    device_operations(device, 1, &ops);
    LAUNCH(&ops, "opening the GPU", clear_kernel_error, 1, 1, 0, cuda->reported);
    TRY(ops.error);
    TRY(device_wait(device, NULL));
    TRY(autotune_open(cuda));
    TRY(plugin_name_processes(device, matmul_open(cuda)));
    TRY(attention_library_open(cuda, NULL));
    name_tuned_on(device);
    return NULL;
}

static Status device_begin(Device *device) {
    TRY(find_gpu());
    Cuda *cuda = (Cuda *)calloc(1, sizeof *cuda);
    if (!cuda)
        return status_no_memory("the GPU's context", sizeof *cuda);
    device->name = BACKEND;
    device->ops_size = sizeof(Ops);
    device->context = cuda;
    device->allocate = device_allocate;
    device->release = device_release;
    device->allocate_pinned = device_allocate_pinned;
    device->release_pinned = device_release_pinned;
    device->memory = device_memory;
    device->reserve_scratch = device_reserve_scratch;
    device->copy = device_copy;
    device->fill = device_fill;
    device->wait = device_wait;
    device->stream_open = device_stream_open;
    device->stream_close = device_stream_close;
    device->event_open = device_event_open;
    device->event_close = device_event_close;
    device->event_record = device_event_record;
    device->stream_wait_event = device_stream_wait_event;
    device->event_wait = device_event_wait;
    device->event_done = device_event_done;
    device->event_seconds = device_event_seconds;
    device->capture_begin = device_capture_begin;
    device->capture_end = device_capture_end;
    device->graph_launch = device_graph_launch;
    device->graph_close = device_graph_close;
    device->operations = device_operations;
    device->autotune = device_autotune;
    device->autotune_import = device_autotune_import;
    device->autotune_export = device_autotune_export;
    device->note = device_note;
    device->versions = cuda_versions;
    device->range_push = device_range_push;
    device->range_pop = device_range_pop;
    device->close = device_end;
    Status status = prepare_device(device, cuda);
    if (status)
        device_end(device);
    return status;
}

extern "C" {
extern const DevicePlugin fovea_plugin;
const DevicePlugin fovea_plugin = {sizeof(Device), sizeof(Ops), device_begin};
}
