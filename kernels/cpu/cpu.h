/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the CPU backend share. Every kernel is cpu_NAME for the table's NAME, of the same type.
 *
 * Work is cut into pieces whose size depends on the shape alone; threads take pieces, and partial sums are added in
 * the order of the pieces. So results are bit-identical for any number of threads. */
#ifndef FOVEA_CPU_H
#define FOVEA_CPU_H

#include "base/simd.h"
#include "ops/cost.h"
#include "ops/ops.h"

#define CPU_DECLARE(operation, Arguments) void cpu_##operation(Ops *ops, const Arguments *a);
OPERATIONS(CPU_DECLARE)
#undef CPU_DECLARE

/* Keeps `status` as the table's failure: the first, since nothing runs after one. Not for parallel regions. */
void cpu_fail(Ops *ops, Status status);

/* `floats` floats on a cache line, freed by free(); NULL after a failure, which names `what`. */
float *cpu_scratch(Ops *ops, const char *what, size_t floats);

/* Whether every id is in 0 .. patches-1 and 0 <= keep <= patches; otherwise fails, naming the operation. */
bool cpu_check_ids(Ops *ops, const char *operation, const int32_t *ids, int batch, int patches, int keep);

/* Loops over `count` values are cut into this many at a time: a few microseconds' work, half an L1 cache. */
enum { PIECE = 4096 };

/* At most this many partial results of a reduction, on the stack. */
enum { PARTS = 64 };

static inline size_t cpu_min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The size of each of at most PARTS parts of `count`, at least `least`. */
static inline size_t cpu_part(size_t count, size_t least) {
    size_t part = (count + PARTS - 1) / PARTS;
    return part < least ? least : part;
}

#endif
