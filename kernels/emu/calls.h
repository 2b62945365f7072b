/* SPDX-License-Identifier: Apache-2.0 */
/* What every call of the runtime begins with, and what becomes of errors. */
#ifndef FOVEA_EMU_CALLS_H
#define FOVEA_EMU_CALLS_H

#include "kernels/emu/cuda_runtime.h"

#include <string>

namespace emu {
/* One at a time; reads the environment the first time. */
class Call {
  public:
    /* `unsafe` calls are not allowed while a stream is captured. */
    explicit Call(const char *name, bool unsafe = false);
    ~Call();
    Call(const Call &) = delete;
    /* Why the call cannot be made: the device is not there, or of no use since a failure. */
    cudaError_t error;
};

/* The last error, with more to say than its name. */
cudaError_t complain(cudaError_t error, const std::string &detail = "");
/* The same for a failure after which the device is of no use. The first one stays. */
cudaError_t collapse(cudaError_t error, const std::string &detail);
/* cudaSuccess as long as the device is of use. */
cudaError_t collapsed();
void forgive();
} // namespace emu

#endif
