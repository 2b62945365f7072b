/* SPDX-License-Identifier: Apache-2.0 */
/* Events: a place in a stream's queue. */
#include "kernels/emu/calls.h"
#include "kernels/emu/queues.h"

#include <chrono>
#include <set>

using namespace emu;

typedef std::chrono::steady_clock Clock;

struct CUevent_st {
    std::shared_ptr<Queue> queue; /* where it was last recorded; NULL: never, which counts as done */
    unsigned long place;
    std::shared_ptr<Clock::time_point> time;
    bool timed, captured;
    bool done() const {
        return !queue || queue->done >= place;
    }
};

namespace {
struct RecordWork : Work {
    std::shared_ptr<Clock::time_point> time;
    void run() override {
        *time = Clock::now();
    }
};
struct WaitWork : Work {
    std::shared_ptr<Queue> queue;
    unsigned long place;
    void run() override {
        advance(*queue, place);
    }
};

std::set<cudaEvent_t> &events = *new std::set<cudaEvent_t>;

cudaError_t event_error(cudaEvent_t event) {
    if (!event || !events.count(event))
        return complain(cudaErrorInvalidResourceHandle);
    return event->captured ? complain(cudaErrorCapturedEvent) : cudaSuccess;
}
} // namespace

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    const Call call("cudaEventCreate");
    if (call.error)
        return call.error;
    *event = new CUevent_st{nullptr, 0, nullptr, !(flags & cudaEventDisableTiming), false};
    events.insert(*event);
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    const Call call("cudaEventDestroy");
    if (!event || !events.count(event))
        return complain(cudaErrorInvalidResourceHandle);
    events.erase(event);
    delete event;
    return call.error;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    const Call call("cudaEventRecord");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!event || !events.count(event) || !queue)
        return complain(cudaErrorInvalidResourceHandle);
    event->captured = queue->capturing;
    event->queue = queue;
    if (event->captured)
        return cudaSuccess; /* the graph keeps its order anyway */
    const auto mark = std::make_shared<RecordWork>();
    mark->time = event->time = std::make_shared<Clock::time_point>();
    give(*queue, mark);
    event->place = queue->given();
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    const Call call("cudaStreamWaitEvent");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!event || !events.count(event) || !queue)
        return complain(cudaErrorInvalidResourceHandle);
    if (event->captured && event->queue == queue && queue->capturing)
        return cudaSuccess;
    if (event->captured || queue->capturing) {
        event->queue->spoilt = queue->spoilt = true;
        return complain(event->captured ? cudaErrorStreamCaptureUnsupported : cudaErrorStreamCaptureIsolation,
                        "a wait between a captured stream and another");
    }
    if (!event->queue)
        return cudaSuccess;
    const auto hold = std::make_shared<WaitWork>();
    hold->queue = event->queue;
    hold->place = event->place;
    give(*queue, hold);
    return cudaSuccess;
}

/* As for streams: answers first, then does a piece of work. */
cudaError_t cudaEventQuery(cudaEvent_t event) {
    const Call call("cudaEventQuery");
    if (call.error)
        return call.error;
    if (const cudaError_t error = event_error(event))
        return error;
    if (event->done())
        return cudaSuccess;
    const cudaError_t error = advance(*event->queue, event->queue->done + 1);
    return error ? error : complain(cudaErrorNotReady);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    const Call call("cudaEventSynchronize");
    if (call.error)
        return call.error;
    if (const cudaError_t error = event_error(event))
        return error;
    return event->queue ? advance(*event->queue, event->place) : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
    const Call call("cudaEventElapsedTime");
    if (call.error)
        return call.error;
    for (cudaEvent_t event : {from, to}) {
        if (const cudaError_t error = event_error(event))
            return error;
        if (!event->timed || !event->queue)
            return complain(cudaErrorInvalidResourceHandle);
        if (!event->done())
            return complain(cudaErrorNotReady);
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
    return cudaSuccess;
}
