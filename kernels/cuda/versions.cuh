/* SPDX-License-Identifier: Apache-2.0 */
/* What of CUDA a run hangs on. */
#ifndef FOVEA_VERSIONS_CUH
#define FOVEA_VERSIONS_CUH

#include "kernels/cuda/cuda.cuh"

/* Device's `versions`. */
int cuda_versions(const Device *device, DeviceVersion versions[DEVICE_VERSIONS]);

#endif
