/* SPDX-License-Identifier: Apache-2.0 */
/* NVTX's ranges as far as kernels/cuda uses them. */
#ifndef FOVEA_EMU_NVTX_H
#define FOVEA_EMU_NVTX_H

int nvtxRangePushA(const char *name);
int nvtxRangePop();

#endif
