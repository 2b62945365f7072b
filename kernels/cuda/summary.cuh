/* SPDX-License-Identifier: Apache-2.0 */
/* Summaries of tensors in two steps: each block sums up a part, a second kernel adds the parts in order. Parts depend
 * on the length alone. */
#ifndef FOVEA_SUMMARY_CUH
#define FOVEA_SUMMARY_CUH

#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

enum { SUMMARY_THREADS = 256 };

/* What a thread has seen. */
struct Tally {
    double squares;
    float largest;
    unsigned long long zeros, nonfinite;
};

__device__ __forceinline__ void tally_value(Tally &tally, float x) {
    const bool finite = isfinite(x);
    const float size = finite ? fabsf(x) : 0;
    tally.squares += (double)size * size;
    tally.largest = fmaxf(tally.largest, size);
    tally.zeros += x == 0;
    tally.nonfinite += !finite;
}

/* What the block's SUMMARY_THREADS threads have seen. */
__device__ __forceinline__ void store_tallies(const Tally &tally, TensorSummary *to) {
    SHARED(double, squares, [SUMMARY_THREADS / WARP]);
    SHARED(float, sizes, [SUMMARY_THREADS / WARP]);
    SHARED(unsigned long long, counts, [SUMMARY_THREADS / WARP]);
    const double sum = block_sum<SUMMARY_THREADS>(tally.squares, squares);
    const float largest = block_max<SUMMARY_THREADS>(tally.largest, sizes);
    const unsigned long long zeros = block_sum<SUMMARY_THREADS>(tally.zeros, counts);
    const unsigned long long nonfinite = block_sum<SUMMARY_THREADS>(tally.nonfinite, counts);
    if (threadIdx.x == 0)
        *to = TensorSummary{sum, largest, zeros, nonfinite};
}

/* The parts of `count` values; `each` is a multiple of 8, so that all begin on a multiple of 16 bytes. One part at
 * least, so that there is a result without any value. */
struct SummaryParts {
    size_t each;
    unsigned count;
    TensorSummary *at; /* what the blocks write: `to` itself for one part */
};
SummaryParts summary_parts(Ops *ops, const char *operation, size_t count, TensorSummary *to);
/* The second step; nothing for one part. */
void add_summary_parts(Ops *ops, const SummaryParts &parts, TensorSummary *to);

#endif
