/* SPDX-License-Identifier: Apache-2.0 */
/* Summaries of tensors by pieces. */
#ifndef FOVEA_CPU_SUMMARY_H
#define FOVEA_CPU_SUMMARY_H

#include "kernels/cpu/cpu.h"

/* Of at most PIECE values. */
TensorSummary summary_of(const float *x, size_t count);

void summary_add(TensorSummary *to, const TensorSummary *other);

#endif
