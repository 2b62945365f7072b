/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/calls.h"
#include "kernels/emu/queues.h"

using namespace emu;

/* For calls that ask about a stream's progress. */
static cudaError_t progress_error(Queue *queue) {
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    if (!queue->capturing)
        return cudaSuccess;
    queue->spoilt = true;
    return complain(cudaErrorStreamCaptureUnsupported, "waiting for a stream that is captured");
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    const Call call("cudaStreamCreateWithFlags");
    if (call.error)
        return call.error;
    *stream = stream_open();
    return cudaSuccess;
}

/* Work queued on the stream is still done, as on the GPU. */
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const Call call("cudaStreamDestroy");
    const std::shared_ptr<Queue> queue = stream ? queue_of(stream) : nullptr;
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    advance(*queue, queue->given());
    stream_close(stream);
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
