/* SPDX-License-Identifier: Apache-2.0 */
/* How every call of the runtime begins, and what happens to errors. */
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
    /* Why the call cannot be made: the device is missing, or unusable since a failure. */
    cudaError_t error;
};

/* Sets the last error, with details beyond its name. */
cudaError_t complain(cudaError_t error, const std::string &detail = "");
/* The same for a failure after which the device is unusable. The first one stays. */
cudaError_t collapse(cudaError_t error, const std::string &detail);
/* cudaSuccess as long as the device is usable. */
cudaError_t collapsed();
/* Makes the device usable again. */
void forgive();
} // namespace emu

#endif
