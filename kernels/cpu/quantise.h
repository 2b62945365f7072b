/* SPDX-License-Identifier: Apache-2.0 */
/* FP8 codes of a tensor that the same operation has just written. */
#ifndef FOVEA_CPU_QUANTISE_H
#define FOVEA_CPU_QUANTISE_H

#include "ops/ops.h"

/* Does nothing for `codes` or `x` NULL. */
void quantise_written(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int columns);

#endif
