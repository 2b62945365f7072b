/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of CUDA that a run depends on. */
#ifndef FOVEA_VERSIONS_CUH
#define FOVEA_VERSIONS_CUH

#include "kernels/cuda/cuda.cuh"

/* Device's `versions`. */
int cuda_versions(const Device *device, DeviceVersion versions[DEVICE_VERSIONS]);

#endif
