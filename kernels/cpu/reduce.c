/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/approx.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

WIDE static double sum_of_squares(const float *x, size_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * x[i];
    return sum;
}

void cpu_global_norm(Ops *ops, const GlobalNorm *a) {
    if (ops->error)
        return;
    const size_t part = cpu_part(a->count, PIECE);
    double parts[PARTS] = {0};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        if (p * part < a->count)
            parts[p] = sum_of_squares(a->x + p * part, cpu_min(part, a->count - p * part));
    double sum = 0;
    for (int p = 0; p < PARTS; p++)
        sum += parts[p];
    *a->norm = (float)sqrt(sum);
}

OpCost cost_global_norm(const GlobalNorm *a, RealType type) {
    (void)type;
    return cost_bytes((double)sizeof(float) * (double)a->count);
}

/* Whether an exponent is all ones. */
WIDE static bool any_nonfinite(const float *x, size_t count) {
    uint32_t found = 0;
#pragma omp simd reduction(| : found)
    for (size_t i = 0; i < count; i++)
        found |= (approx_to_bits(x[i]) & 0x7f800000u) == 0x7f800000u;
    return found;
}

void cpu_find_nonfinite(Ops *ops, const FindNonfinite *a) {
    if (ops->error)
        return;
    size_t found = a->count;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(min : found)
    for (size_t start = 0; start < a->count; start += PIECE) {
        const size_t length = cpu_min(PIECE, a->count - start);
        if (found < start)
            continue;
        float work[PIECE];
        const float *values = real_read(a->type, a->x, start, length, work);
        if (!any_nonfinite(values, length))
            continue;
        size_t i = 0;
        while (isfinite(values[i]))
            i++;
        found = cpu_min(found, start + i);
    }
    *a->first = found;
}

OpCost cost_find_nonfinite(const FindNonfinite *a, RealType type) {
    (void)type;
    return cost_bytes((double)real_size(a->type) * (double)a->count);
}
