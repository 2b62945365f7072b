/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cuda.cuh"

#include <stdio.h>

/* What CUDA's errors mean for the user; the others are faults of this program. */
static const struct {
    cudaError_t error;
    ExitCode code;
    const char *remedy;
} causes[] = {
    {cudaErrorMemoryAllocation, EXIT_NO_MEMORY, "use a GPU that no other process uses (`nvidia-smi` lists them)"},
    {cudaErrorStubLibrary, EXIT_MISSING,
     "the libcuda.so.1 that was found is the toolkit's stub for linking: remove its folder from LD_LIBRARY_PATH"},
    {cudaErrorNoDevice, EXIT_MISSING, "`nvidia-smi` lists all GPUs, CUDA_VISIBLE_DEVICES those this program may use"},
    {cudaErrorInsufficientDriver, EXIT_MISSING, "install a newer NVIDIA driver"},
    {cudaErrorNoKernelImageForDevice, EXIT_MISSING,
     "this build has no kernels for the GPU: build for its architecture, as in `make CUDA_ARCH=80` for the 8.0 that "
     "`nvidia-smi --query-gpu=compute_cap --format=csv` reports"},
    {cudaErrorDevicesUnavailable, EXIT_MISSING,
     "the GPU is lost or reserved by another program: see `nvidia-smi`, use another GPU or reset it, and run again"},
    {cudaErrorECCUncorrectable, EXIT_MISSING,
     "the GPU's memory is damaged: use another GPU, or reset it (nvidia-smi --gpu-reset), and run again"},
    {cudaErrorContained, EXIT_MISSING,
     "a hardware fault ended the program's work on the GPU: `dmesg` shows its Xid; run again, and reset or replace the "
     "GPU if the fault recurs"},
    {cudaErrorNvlinkUncorrectable, EXIT_MISSING, "the link between GPUs is damaged: reset the GPUs, run again"},
    {cudaErrorSystemNotReady, EXIT_MISSING, "start nvidia-fabricmanager, which this machine's GPUs need"},
    {cudaErrorSystemDriverMismatch, EXIT_MISSING, "the driver was replaced while in use: restart the machine"},
    {cudaErrorCompatNotSupportedOnDevice, EXIT_MISSING,
     "CUDA's compatibility package does not support this GPU: install a newer driver, or remove the package's "
     "libcuda.so.1 from LD_LIBRARY_PATH"},
    {cudaErrorStreamCaptureUnsupported, EXIT_INTERNAL, "the driver or a library did what cannot be captured"},
    {cudaErrorStreamCaptureInvalidated, EXIT_INTERNAL, "the driver or a library did what cannot be captured"},
    {cudaErrorUnknown, EXIT_MISSING,
     "the GPU or its driver no longer answers: see `nvidia-smi` and `dmesg`, restart the machine, and run again"},
};

Status cuda_status(const char *what, cudaError_t error) {
    if (error == cudaSuccess)
        return NULL;
    (void)cudaGetLastError(); /* or the next launch would report it again */
    ExitCode code = EXIT_INTERNAL;
    const char *remedy = "a fault of this program; kernels run late, so an earlier one may have caused it: with "
                         "CUDA_LAUNCH_BLOCKING=1 in the environment the failure names the right one";
    for (const auto &cause : causes)
        if (cause.error == error) {
            code = cause.code;
            remedy = cause.remedy;
        }
    return status_error(code, "%s: %s (%s); %s", what, cudaGetErrorString(error), cudaGetErrorName(error), remedy);
}

void cuda_fail(Ops *ops, Status status) {
    if (ops->error)
        status_free(status);
    else
        ops->error = status;
}

bool cuda_check(Ops *ops, const char *operation, cudaError_t error) {
    cuda_context(ops)->last = operation;
    if (error == cudaSuccess)
        return true;
    cuda_fail(ops, cuda_status(operation, error));
    return false;
}

bool cuda_launched(Ops *ops, const char *kernel, const char *file, dim3 grid, dim3 block, size_t shared,
                   cudaError_t error) {
    cuda_context(ops)->last = kernel;
    if (error == cudaSuccess)
        return true;
    char what[512];
    snprintf(what, sizeof what, "%s (%s), %u x %u x %u blocks of %u x %u x %u threads with %zu bytes of shared memory",
             kernel, file, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared);
    cuda_fail(ops, cuda_status(what, error));
    return false;
}
