/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated device's properties. */
#include "kernels/emu/calls.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/shared_memory.h"

using namespace emu;

/* So few that loops over the grid run more than once. */
enum { PROCESSORS = 3, CAPABILITY = 90, OLD_CAPABILITY = 80, THREADS = 1024, WARP_LANES = 32 };

/* FOVEA_EMU_CAPABILITY=75: another capability. */
static int capability() {
    const char *value = getenv("FOVEA_EMU_CAPABILITY");
    return value ? atoi(value) : fault_holds(EMU_FAULT_OLD_DEVICE) ? OLD_CAPABILITY : CAPABILITY;
}

/* These also answer without a device. */
cudaError_t cudaDriverGetVersion(int *version) {
    const Call call("cudaDriverGetVersion");
    *version = fault_holds(EMU_FAULT_NO_DRIVER) ? 0 : fault_holds(EMU_FAULT_OLD_DRIVER) ? 12000 : CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    const Call call("cudaGetDeviceCount");
    *count = call.error ? 0 : 1;
    return call.error;
}

cudaError_t cudaSetDevice(int device) {
    const Call call("cudaSetDevice");
    if (call.error || device)
        return call.error ? call.error : complain(cudaErrorInvalidDevice);
    return complain(memory_left() ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaGetDevice(int *device) {
    const Call call("cudaGetDevice");
    *device = 0;
    return call.error;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
    const Call call("cudaGetDeviceProperties");
    if (call.error || device)
        return call.error ? call.error : complain(cudaErrorInvalidDevice);
    *properties = {};
    strcpy(properties->name, "emulated GPU");
    properties->totalGlobalMem = memory_total();
    properties->sharedMemPerBlock = STATIC_SHARED_LIMIT;
    properties->sharedMemPerBlockOptin = SHARED_LIMIT;
    properties->warpSize = WARP_LANES;
    properties->maxThreadsPerBlock = THREADS;
    properties->major = capability() / 10;
    properties->minor = capability() % 10;
    properties->multiProcessorCount = PROCESSORS;
    properties->ECCEnabled = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp properties;
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, device))
        return error;
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = properties.maxThreadsPerBlock;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = (int)properties.sharedMemPerBlock;
        return cudaSuccess;
    case cudaDevAttrWarpSize:
        *value = properties.warpSize;
        return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
        *value = properties.multiProcessorCount;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
        *value = properties.major;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
        *value = properties.minor;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = (int)properties.sharedMemPerBlockOptin;
        return cudaSuccess;
    }
    return complain(cudaErrorInvalidValue);
}
