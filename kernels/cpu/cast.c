/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

void cpu_cast_to_bf16(Ops *ops, const float *x, uint16_t *y, size_t count) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < count; i += PIECE)
        real_round(x + i, PIECE, y + i, PIECE, 1, cpu_min(PIECE, count - i));
}

void cpu_cast_from_bf16(Ops *ops, const uint16_t *x, float *y, size_t count) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < count; i += PIECE)
        real_widen(x + i, PIECE, y + i, PIECE, 1, cpu_min(PIECE, count - i));
}
