/* SPDX-License-Identifier: Apache-2.0 */
/* GELU and its slope in BF16, for products. `act` is one of the two GELUs; FP8 codes of what is written start on
 * multiples of 8 bytes, and `count` is a multiple of GELU_CODED then. */
#ifndef FOVEA_GELU_CUH
#define FOVEA_GELU_CUH

#include "kernels/cuda/cuda.cuh"

enum { GELU_CODED = 8 };

void gelu_forward_coded(Ops *ops, const Real *x, Activation act, Real *y, const Fp8Codes &codes, size_t count);
void gelu_backward_coded(Ops *ops, const Real *dy, const Real *x, Activation act, Real *dx, const Fp8Codes &codes,
                         size_t count);
/* dx = dy act'(x), from a gradient in FP32. */
void gelu_backward_wide(Ops *ops, const float *dy, const Real *x, Activation act, Real *dx, size_t count);

#endif
