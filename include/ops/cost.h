/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a call of an operation must move and compute, by its arguments: for --profile and for checkops'
 * timings. Each tensor is read or written once; lists, statistics of a tensor's columns and what has no batch are left
 * out where they are small beside it. cost_NAME() is defined below cpu_NAME() in kernels/cpu. */
#ifndef FOVEA_OPS_COST_H
#define FOVEA_OPS_COST_H

#include "ops/operations.h"

typedef struct {
    double bytes, flops; /* flops: of matrix products and attention; 0 where bytes are what counts */
} OpCost;

static inline OpCost cost_bytes(double bytes) {
    return (OpCost){bytes, 0};
}

/* FLOPs of a product of [rows][in] by [in][out]. */
static inline double cost_product(int rows, int in, int out) {
    return 2.0 * rows * in * out;
}

/* `type`: the table's. */
#define COST_DECLARE(operation, Arguments) OpCost cost_##operation(const Arguments *a, RealType type);
OPERATIONS(COST_DECLARE)
#undef COST_DECLARE

#endif
