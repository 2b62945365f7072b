/* SPDX-License-Identifier: Apache-2.0 */
/* Timing: what is timed (bench_list.c) and how (bench.c). */
#ifndef CHECKOPS_BENCH_H
#define CHECKOPS_BENCH_H

#include "ops/cost.h"
#include "ops/ops.h"

/* Memory of the device that every call shares: pools of arbitrary numbers. */
enum { POOLS = 8, LISTS = 2 };
typedef struct {
    Ops ops;
    void *pool[POOLS];
    int32_t *ids[LISTS]; /* of 36 and of 196 patches a sample */
    uint8_t *bytes;
    AdamwSegment *segment; /* of all parameters */
    AdamwValues *values;
    float *norm;
    float *labels; /* [ROWS], below 196 */
    double *known;
    Fp8Scale *scale[2]; /* by format */
    void *result;       /* a loss, a norm, an index, a summary */
} Bed;

/* One operation at one shape. The numbers mean what the operation's caller makes of them. */
typedef struct {
    const char *name;
    OpCost (*call)(Bed *bed, const int *n); /* returns what the call costs */
    int n[4];
    int times;  /* in a step of ViT-Tiny MAE, 96 px, batch 64 */
    bool large; /* a GPU's: not timed on the CPU */
} Bench;

extern const Bench benches[];
extern const int bench_count;

#endif
