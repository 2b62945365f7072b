/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/errors.h"

namespace emu {
std::recursive_mutex &runtime_mutex = *new std::recursive_mutex;
static cudaError_t last, lasting; /* `lasting` stays until it is forgiven */
static cudaError_t explained;
static std::string &explanation = *new std::string;

cudaError_t complain(cudaError_t error, const std::string &detail) {
    if (error == cudaSuccess || lasting)
        return lasting ? lasting : error;
    last = explained = error;
    explanation = detail;
    return error;
}

cudaError_t collapse(cudaError_t error, const std::string &detail) {
    complain(error, detail);
    if (!lasting)
        lasting = error;
    return lasting;
}

cudaError_t collapsed() {
    return lasting;
}

void forgive() {
    last = lasting = cudaSuccess;
}
} // namespace emu

using namespace emu;

cudaError_t cudaPeekAtLastError() {
    std::lock_guard<std::recursive_mutex> lock(runtime_mutex);
    return lasting ? lasting : last;
}

cudaError_t cudaGetLastError() {
    std::lock_guard<std::recursive_mutex> lock(runtime_mutex);
    const cudaError_t error = lasting ? lasting : last;
    last = cudaSuccess;
    return error;
}

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
#define ERROR(name, text) {name, #name, text},
    ERROR(cudaSuccess, "no error") ERROR(cudaErrorInvalidValue, "invalid argument") ERROR(
        cudaErrorMemoryAllocation, "out of memory") ERROR(cudaErrorInvalidConfiguration,
                                                          "invalid configuration argument")
        ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version") ERROR(
            cudaErrorDevicesUnavailable,
            "CUDA-capable device(s) is/are busy or unavailable") ERROR(cudaErrorInvalidDeviceFunction,
                                                                       "invalid device function")
            ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected") ERROR(
                cudaErrorInvalidDevice,
                "invalid device ordinal") ERROR(cudaErrorNoKernelImageForDevice,
                                                "no kernel image is available for execution on the device")
                ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered") ERROR(
                    cudaErrorNvlinkUncorrectable,
                    "uncorrectable NVLink error detected during the execution") ERROR(cudaErrorInvalidResourceHandle,
                                                                                      "invalid resource handle")
                    ERROR(cudaErrorNotReady, "device not ready") ERROR(
                        cudaErrorIllegalAddress,
                        "an illegal memory access was encountered") ERROR(cudaErrorLaunchFailure,
                                                                          "unspecified launch failure")
                        ERROR(cudaErrorSystemNotReady, "system not yet initialized") ERROR(
                            cudaErrorSystemDriverMismatch,
                            "system has unsupported display driver / cuda driver combination")
                            ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")
                                ERROR(cudaErrorStreamCaptureInvalidated,
                                      "operation failed due to a previous error during capture")
                                    ERROR(cudaErrorStreamCaptureIsolation,
                                          "dependency created on uncaptured work in another stream")
                                        ERROR(cudaErrorCapturedEvent,
                                              "operation not permitted on an event last recorded in a capturing stream")
                                            ERROR(cudaErrorUnknown, "unknown error")
                                                ERROR(cudaErrorStubLibrary, "CUDA driver is a stub library") ERROR(
                                                    cudaErrorContained,
                                                    "Invalid access of peer GPU memory over nvlink or a hardware error")
                                                    ERROR(cudaErrorCompatNotSupportedOnDevice,
                                                          "forward compatibility was attempted on non supported HW")
#undef ERROR
};

const char *cudaGetErrorName(cudaError_t error) {
    for (const auto &known : errors)
        if (known.error == error)
            return known.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
    static thread_local std::string text;
    std::lock_guard<std::recursive_mutex> lock(runtime_mutex);
    text = "unrecognized error code";
    for (const auto &known : errors)
        if (known.error == error)
            text = known.text;
    if (error != cudaSuccess && error == explained && !explanation.empty())
        text += ": " + explanation;
    return text.c_str();
}
