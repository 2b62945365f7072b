/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/streams.h"
#include "kernels/emu/calls.h"
#include "kernels/emu/memory.h"

#include <set>

using namespace emu;

struct CUstream_st {
    std::shared_ptr<Queue> queue;
};

namespace emu {
/* Never destroyed: programs may still use them when they end. */
static std::set<cudaStream_t> &streams = *new std::set<cudaStream_t>;
static CUstream_st &default_stream = *new CUstream_st{std::make_shared<Queue>()};

std::shared_ptr<Queue> queue_of(cudaStream_t stream) {
    if (!stream)
        return default_stream.queue;
    return streams.count(stream) ? stream->queue : nullptr;
}

void give(Queue &queue, std::shared_ptr<Work> work) {
    if (queue.capturing)
        queue.captured.push_back(std::move(work));
    else
        queue.waiting.push_back(std::move(work));
}

cudaError_t advance(Queue &queue, unsigned long until) {
    const MemoryOpen open;
    while (queue.done < until && !queue.waiting.empty()) {
        const std::shared_ptr<Work> work = queue.waiting.front();
        queue.waiting.pop_front();
        queue.done++;
        if (!collapsed())
            work->run();
    }
    const std::string damage = memory_damage();
    if (!damage.empty())
        collapse(cudaErrorIllegalAddress, damage);
    return collapsed();
}

static std::vector<std::shared_ptr<Queue>> all_queues() {
    std::vector<std::shared_ptr<Queue>> all = {default_stream.queue};
    for (cudaStream_t stream : streams)
        all.push_back(stream->queue);
    return all;
}

cudaError_t advance_all() {
    for (const auto &queue : all_queues())
        advance(*queue, queue->given());
    return collapsed();
}

bool capture_spoil() {
    bool any = false;
    for (const auto &queue : all_queues())
        if (queue->capturing && queue->strict)
            any = queue->spoilt = true;
    return any;
}

/* For calls that ask about a stream's progress. */
static cudaError_t progress_error(Queue *queue) {
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    if (!queue->capturing)
        return cudaSuccess;
    queue->spoilt = true;
    return complain(cudaErrorStreamCaptureUnsupported, "waiting for a stream that is captured");
}
} // namespace emu

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    const Call call("cudaStreamCreateWithFlags");
    if (call.error)
        return call.error;
    *stream = new CUstream_st{std::make_shared<Queue>()};
    streams.insert(*stream);
    return cudaSuccess;
}

/* Work queued on the stream is still done, as on the GPU. */
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const Call call("cudaStreamDestroy");
    if (!stream || !streams.count(stream))
        return complain(cudaErrorInvalidResourceHandle);
    advance(*stream->queue, stream->queue->given());
    streams.erase(stream);
    delete stream;
    return call.error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    const Call call("cudaStreamSynchronize");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (const cudaError_t error = progress_error(queue.get()))
        return error;
    return advance(*queue, queue->given());
}

/* Answers first and then does a piece of work, so that polling ends. */
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    const Call call("cudaStreamQuery");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (const cudaError_t error = progress_error(queue.get()))
        return error;
    if (queue->waiting.empty())
        return cudaSuccess;
    const cudaError_t error = advance(*queue, queue->done + 1);
    return error ? error : complain(cudaErrorNotReady);
}

cudaError_t cudaDeviceSynchronize() {
    const Call call("cudaDeviceSynchronize", true);
    return call.error ? call.error : advance_all();
}
