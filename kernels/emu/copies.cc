/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations, copies and fills. Pageable host memory is read at the call, and a copy to it waits; pinned memory is
 * read and written when the stream reaches the copy. */
#include "kernels/emu/calls.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/queues.h"

#include <map>

using namespace emu;

namespace {
std::map<const char *, size_t> &pinned = *new std::map<const char *, size_t>;

bool is_pinned(const void *at) {
    auto after = pinned.upper_bound((const char *)at);
    if (after == pinned.begin())
        return false;
    --after;
    return (const char *)at < after->first + after->second;
}

std::string describe_bytes(const void *at, size_t bytes) {
    char text[64];
    snprintf(text, sizeof(text), "%zu bytes at %p", bytes, at);
    return text;
}

bool check_allocated(const void *at, size_t bytes, bool on_device) {
    if (!on_device || memory_holds(at, bytes))
        return true;
    collapse(cudaErrorIllegalAddress,
             "a copy of " + describe_bytes(at, bytes) + ", which was freed before the copy ran");
    return false;
}

struct CopyWork : Work {
    void *to;
    const void *from;
    size_t bytes;
    bool to_device, from_device;
    std::vector<char> kept; /* pageable memory as it was at the call */
    void run() override {
        if (check_allocated(to, bytes, to_device) && check_allocated(from, bytes, from_device))
            memmove(to, kept.empty() ? from : kept.data(), bytes);
    }
};

struct FillWork : Work {
    void *to;
    int byte;
    size_t bytes;
    void run() override {
        if (check_allocated(to, bytes, true))
            memset(to, byte, bytes);
    }
};
} // namespace

cudaError_t cudaMalloc(void **memory, size_t bytes) {
    const Call call("cudaMalloc", true);
    *memory = nullptr;
    if (call.error || !bytes)
        return call.error;
    if (!fault_comes(EMU_FAULT_MEMORY))
        *memory = memory_new(bytes);
    return *memory ? cudaSuccess : complain(cudaErrorMemoryAllocation);
}

/* Waits for the device, as CUDA does. An unusable device still gives its memory back. */
cudaError_t cudaFree(void *memory) {
    const Call call("cudaFree", true);
    if (!memory || call.error == cudaErrorStreamCaptureUnsupported)
        return call.error;
    if (!call.error)
        advance_all();
    if (!memory_free(memory))
        return complain(cudaErrorInvalidValue, "freeing what is not an allocation of device memory");
    return collapsed() ? collapsed() : call.error;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned) {
    const Call call("cudaMallocHost", true);
    *memory = nullptr;
    if (call.error || !bytes)
        return call.error;
    const size_t page = 4096;
    if (!fault_comes(EMU_FAULT_PINNED))
        *memory = aligned_alloc(page, (bytes + page - 1) / page * page);
    if (!*memory)
        return complain(cudaErrorMemoryAllocation);
    pinned[(const char *)*memory] = bytes;
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes) {
    return cudaHostAlloc(memory, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *memory) {
    const Call call("cudaFreeHost", true);
    if (!memory || call.error == cudaErrorStreamCaptureUnsupported)
        return call.error;
    if (!call.error)
        advance_all();
    if (!pinned.erase((const char *)memory))
        return complain(cudaErrorInvalidValue, "freeing what is not an allocation of pinned memory");
    free(memory);
    return collapsed() ? collapsed() : call.error;
}

cudaError_t cudaMemGetInfo(size_t *unused, size_t *total) {
    const Call call("cudaMemGetInfo");
    *total = memory_total();
    *unused = memory_left();
    return call.error;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    const Call call("cudaMemcpyAsync");
    if (call.error || !bytes)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    const bool any = kind == cudaMemcpyDefault;
    const auto work = std::make_shared<CopyWork>();
    work->to = to;
    work->from = from;
    work->bytes = bytes;
    work->to_device = any ? memory_holds(to, bytes) : kind != cudaMemcpyDeviceToHost;
    work->from_device = any ? memory_holds(from, bytes) : kind != cudaMemcpyHostToDevice;
    if (work->to_device != memory_holds(to, bytes))
        return complain(cudaErrorInvalidValue, "a copy to " + describe_bytes(to, bytes) + ", which is " +
                                                   (work->to_device ? "not " : "") + "device memory");
    if (work->from_device != memory_holds(from, bytes))
        return complain(cudaErrorInvalidValue, "a copy from " + describe_bytes(from, bytes) + ", which is " +
                                                   (work->from_device ? "not " : "") + "device memory");
    const bool pageable = (!work->to_device && !is_pinned(to)) || (!work->from_device && !is_pinned(from));
    if (pageable && queue->capturing) {
        queue->spoilt = true;
        return complain(cudaErrorStreamCaptureUnsupported, "a copy of memory that is not pinned");
    }
    if (!work->from_device && !is_pinned(from))
        work->kept.assign((const char *)from, (const char *)from + bytes);
    give(*queue, work);
    return !work->to_device && !is_pinned(to) ? advance(*queue, queue->given()) : cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream) {
    const Call call("cudaMemsetAsync");
    if (call.error || !bytes)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    if (!memory_holds(to, bytes))
        return complain(cudaErrorInvalidValue,
                        "a fill of " + describe_bytes(to, bytes) + ", which is not device memory");
    const auto work = std::make_shared<FillWork>();
    work->to = to;
    work->byte = byte;
    work->bytes = bytes;
    give(*queue, work);
    return cudaSuccess;
}
