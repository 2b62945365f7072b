/* SPDX-License-Identifier: Apache-2.0 */
/* The last error of the runtime, and the failure after which the device is unusable. */
#ifndef FOVEA_EMU_ERRORS_H
#define FOVEA_EMU_ERRORS_H

#include "kernels/emu/cuda_runtime.h"

#include <mutex>
#include <string>

namespace emu {
/* Held during every call of the runtime; never destroyed. */
extern std::recursive_mutex &runtime_mutex;

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
