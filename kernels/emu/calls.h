/* SPDX-License-Identifier: Apache-2.0 */
/* How every call of the runtime begins. */
#ifndef FOVEA_EMU_CALLS_H
#define FOVEA_EMU_CALLS_H

#include "kernels/emu/cuda_runtime.h"
#include "kernels/emu/errors.h"

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
} // namespace emu

#endif
