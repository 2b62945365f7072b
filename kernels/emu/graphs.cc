/* SPDX-License-Identifier: Apache-2.0 */
/* Captured work, which can be repeated. */
#include "kernels/emu/calls.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/queues.h"

#include <set>

using namespace emu;

struct CUgraph_st {
    std::vector<std::shared_ptr<Work>> works;
};
struct CUgraphExec_st {
    std::vector<std::shared_ptr<Work>> works;
};

static std::set<cudaGraph_t> &graphs = *new std::set<cudaGraph_t>;
static std::set<cudaGraphExec_t> &execs = *new std::set<cudaGraphExec_t>;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    const Call call("cudaStreamBeginCapture");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue)
        return complain(cudaErrorInvalidResourceHandle);
    if (!stream || queue->capturing)
        return complain(cudaErrorStreamCaptureUnsupported);
    queue->capturing = true;
    queue->spoilt = fault_comes(EMU_FAULT_CAPTURE);
    queue->strict = mode != cudaStreamCaptureModeRelaxed;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    const Call call("cudaStreamEndCapture");
    *graph = nullptr;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue || !queue->capturing)
        return complain(cudaErrorInvalidResourceHandle);
    std::vector<std::shared_ptr<Work>> works;
    works.swap(queue->captured);
    queue->capturing = false;
    if (call.error || queue->spoilt)
        return call.error ? call.error : complain(cudaErrorStreamCaptureInvalidated);
    *graph = new CUgraph_st{works};
    graphs.insert(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    const Call call("cudaGraphInstantiate");
    *exec = nullptr;
    if (call.error || !graphs.count(graph))
        return call.error ? call.error : complain(cudaErrorInvalidValue);
    *exec = new CUgraphExec_st{graph->works};
    execs.insert(*exec);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    const Call call("cudaGraphLaunch");
    if (call.error)
        return call.error;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue || !execs.count(exec))
        return complain(cudaErrorInvalidResourceHandle);
    if (queue->capturing)
        return complain(cudaErrorStreamCaptureUnsupported);
    for (const auto &work : exec->works)
        give(*queue, work);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    const Call call("cudaGraphDestroy");
    if (!graphs.erase(graph))
        return complain(cudaErrorInvalidValue);
    delete graph;
    return call.error;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    const Call call("cudaGraphExecDestroy");
    if (!execs.erase(exec))
        return complain(cudaErrorInvalidValue);
    delete exec;
    return call.error;
}
