/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/queues.h"
#include "kernels/emu/errors.h"
#include "kernels/emu/memory.h"

#include <set>

struct CUstream_st {
    std::shared_ptr<emu::Queue> queue;
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

cudaStream_t stream_open() {
    const cudaStream_t stream = new CUstream_st{std::make_shared<Queue>()};
    streams.insert(stream);
    return stream;
}

void stream_close(cudaStream_t stream) {
    streams.erase(stream);
    delete stream;
}
} // namespace emu
