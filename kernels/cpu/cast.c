/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

void cpu_cast_to_bf16(Ops *ops, const CastToBf16 *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < a->count; i += PIECE)
        real_round(a->x + i, PIECE, a->y + i, PIECE, 1, cpu_min(PIECE, a->count - i));
}

OpCost cost_cast_to_bf16(const CastToBf16 *a, RealType type) {
    (void)type;
    return cost_bytes((double)(sizeof *a->x + sizeof *a->y) * (double)a->count);
}

void cpu_cast_from_bf16(Ops *ops, const CastFromBf16 *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < a->count; i += PIECE)
        real_widen(a->x + i, PIECE, a->y + i, PIECE, 1, cpu_min(PIECE, a->count - i));
}

OpCost cost_cast_from_bf16(const CastFromBf16 *a, RealType type) {
    (void)type;
    return cost_bytes((double)(sizeof *a->x + sizeof *a->y) * (double)a->count);
}
