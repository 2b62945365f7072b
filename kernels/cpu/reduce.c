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

void cpu_global_norm(Ops *ops, const float *x, size_t count, float *norm) {
    if (ops->error)
        return;
    const size_t part = cpu_part(count, PIECE);
    double parts[PARTS] = {0};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        if (p * part < count)
            parts[p] = sum_of_squares(x + p * part, cpu_min(part, count - p * part));
    double sum = 0;
    for (int p = 0; p < PARTS; p++)
        sum += parts[p];
    *norm = (float)sqrt(sum);
}

/* Whether an exponent is all ones. */
WIDE static bool any_nonfinite(const float *x, size_t count) {
    uint32_t found = 0;
#pragma omp simd reduction(| : found)
    for (size_t i = 0; i < count; i++)
        found |= (approx_to_bits(x[i]) & 0x7f800000u) == 0x7f800000u;
    return found;
}

void cpu_find_nonfinite(Ops *ops, const Real *x, RealType type, size_t count, uint64_t *first) {
    if (ops->error)
        return;
    size_t found = count;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(min : found)
    for (size_t start = 0; start < count; start += PIECE) {
        const size_t length = cpu_min(PIECE, count - start);
        if (found < start)
            continue;
        float room[PIECE];
        const float *values = real_read(type, x, start, length, room);
        if (!any_nonfinite(values, length))
            continue;
        size_t i = 0;
        while (isfinite(values[i]))
            i++;
        found = cpu_min(found, start + i);
    }
    *first = found;
}
