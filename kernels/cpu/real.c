/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/real.h"

#include "kernels/cpu/cpu.h"
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif

WIDE void real_widen(const uint16_t *restrict x, size_t x_stride, float *restrict y, size_t y_stride, size_t rows,
                     size_t columns) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * y_stride + i] = real_from_bf16(x[r * x_stride + i]);
}

WIDE void real_round(const float *restrict x, size_t x_stride, uint16_t *restrict y, size_t y_stride, size_t rows,
                     size_t columns) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * y_stride + i] = real_to_bf16(x[r * x_stride + i]);
}

bool scratch_open(ThreadScratch *scratch, Ops *ops, const char *what, size_t floats) {
    enum { LINE = 16 }; /* threads do not share a cache line */
    *scratch = (ThreadScratch){.each = (floats + LINE - 1) / LINE * LINE};
    if (ops->type == REAL_BF16)
        scratch->floats = cpu_scratch(ops, what, scratch->each * ops->threads);
    return !ops->error;
}

void scratch_close(ThreadScratch *scratch) {
    free(scratch->floats);
}

float *scratch_at(const ThreadScratch *scratch, size_t offset) {
    size_t thread = 0;
#ifdef _OPENMP
    thread = omp_get_thread_num();
#endif
    return scratch->floats ? scratch->floats + scratch->each * thread + offset : NULL;
}
