/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/block.h"
#include "kernels/emu/calls.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/order.h"
#include "kernels/emu/queues.h"
#include "kernels/emu/registry.h"
#include "kernels/emu/shared_memory.h"

namespace emu {
namespace {
std::string launch_name(const Launch &launch) {
    return "kernel " + kernel_name(launch.kernel);
}

/* The first argument that points outside device memory, from 1; 0: none. */
int find_host_argument(const Launch &launch) {
    for (int i = 0; i < launch.arguments; i++)
        if (launch.pointers[i] && !memory_holds(launch.pointers[i], 0))
            return i + 1;
    return 0;
}

/* A grid or a block that CUDA refuses; "" when it accepts them. */
std::string refused_size(const Launch &launch) {
    const dim3 grid = launch.grid, block = launch.block;
    const size_t threads = (size_t)block.x * block.y * block.z;
    if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
        return "a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " + std::to_string(grid.z);
    if (!threads || block.x > MOST_THREADS || block.y > MOST_THREADS || block.z > 64 || threads > MOST_THREADS)
        return "blocks of " + std::to_string(block.x) + " x " + std::to_string(block.y) + " x " +
               std::to_string(block.z) + " threads";
    return "";
}

std::string refused_memory(const Launch &launch) {
    const size_t limit = std::max((size_t)STATIC_SHARED_LIMIT, launch.kernel->dynamic_limit);
    if (launch.dynamic > limit)
        return std::to_string(launch.dynamic) + " bytes of dynamic shared memory, the limit is " +
               std::to_string(limit) + " (raised by cudaFuncSetAttribute() to at most " + std::to_string(SHARED_LIMIT) +
               ")";
    return "";
}

struct LaunchWork : Work {
    Launch launch;
    std::vector<const void *> pointers;
    std::unique_ptr<char[]> call; /* aligned for any type */

    explicit LaunchWork(const Launch &given)
        : launch(given), pointers(given.pointers, given.pointers + given.arguments), call(new char[given.bytes]) {
        memcpy(call.get(), given.call, given.bytes);
        launch.pointers = pointers.data();
        launch.call = call.get();
    }

    bool meets_fault() const {
        if (fault_comes(EMU_FAULT_LAUNCH))
            return collapse(cudaErrorLaunchFailure, launch_name(launch));
        if (fault_comes(EMU_FAULT_ECC))
            return collapse(cudaErrorECCUncorrectable, launch_name(launch));
        if (fault_comes(EMU_FAULT_LOST))
            return collapse(cudaErrorUnknown, launch_name(launch));
        return false;
    }

    void run() override {
        if (meets_fault())
            return;
        if (const int argument = find_host_argument(launch)) {
            collapse(cudaErrorIllegalAddress, launch_name(launch) + ": argument " + std::to_string(argument) +
                                                  " points to memory that was freed before it ran");
            return;
        }
        if (const char *failure = run_grid(launch)) {
            collapse(cudaErrorLaunchFailure, failure);
            return;
        }
        launch.kernel->executions++;
        const std::string damage = memory_damage();
        if (!damage.empty())
            collapse(cudaErrorIllegalAddress, launch_name(launch) + ": " + damage);
    }
};
} // namespace

void launch(const Launch &launch, CUstream_st *stream) {
    const Call call("a launch");
    if (call.error)
        return;
    const std::shared_ptr<Queue> queue = queue_of(stream);
    const std::string size = refused_size(launch), memory = refused_memory(launch);
    if (!queue) {
        complain(cudaErrorInvalidResourceHandle, launch_name(launch));
    } else if (!size.empty()) {
        complain(cudaErrorInvalidConfiguration, launch_name(launch) + ": " + size);
    } else if (!memory.empty()) {
        complain(cudaErrorInvalidValue, launch_name(launch) + ": " + memory);
    } else if (const int argument = find_host_argument(launch)) {
        collapse(cudaErrorIllegalAddress,
                 launch_name(launch) + ": argument " + std::to_string(argument) + " is host memory");
    } else {
        give(*queue, std::make_shared<LaunchWork>(launch));
    }
}
} // namespace emu

using namespace emu;

unsigned most_blocks(unsigned limit) {
    return order == EMU_ASCENDING ? limit : std::min(limit, (unsigned)order);
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute, int value) {
    const Call call("cudaFuncSetAttribute");
    if (call.error)
        return call.error;
    KernelEntry *const entry = registry_find(kernel);
    if (!entry)
        return complain(cudaErrorInvalidDeviceFunction);
    if (value < 0 || value > SHARED_LIMIT)
        return complain(cudaErrorInvalidValue, "kernel " + kernel_name(entry) + ": " + std::to_string(value) +
                                                   " bytes of shared memory, there are " +
                                                   std::to_string(SHARED_LIMIT));
    entry->dynamic_limit = (size_t)value;
    return cudaSuccess;
}
