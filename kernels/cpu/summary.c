/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/summary.h"

#include "kernels/cpu/approx.h"
#include "kernels/cpu/real.h"

/* By the bits, whose order is that of sizes: infinity's are above those of every finite size, NaN's above infinity's.
 */
WIDE TensorSummary summary_of(const float *x, size_t count) {
    double squares = 0;
    uint32_t largest = 0, zeros = 0, nonfinite = 0;
#pragma omp simd reduction(+ : squares, zeros, nonfinite) reduction(max : largest)
    for (size_t i = 0; i < count; i++) {
        const uint32_t size = approx_to_bits(x[i]) & 0x7fffffffu, finite = size < 0x7f800000u ? size : 0;
        const double value = approx_from_bits(finite);
        squares += value * value;
        largest = finite > largest ? finite : largest;
        zeros += size == 0;
        nonfinite += size >= 0x7f800000u;
    }
    return (TensorSummary){squares, approx_from_bits(largest), zeros, nonfinite};
}

void summary_add(TensorSummary *to, const TensorSummary *other) {
    to->squares += other->squares;
    to->largest = other->largest > to->largest ? other->largest : to->largest;
    to->zeros += other->zeros;
    to->nonfinite += other->nonfinite;
}

void cpu_summarise_tensor(Ops *ops, const SummariseTensor *a) {
    if (ops->error)
        return;
    const size_t part = cpu_part(a->count, PIECE);
    TensorSummary parts[PARTS] = {{0}};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        for (size_t at = p * part; at < cpu_min((p + 1) * part, a->count); at += PIECE) {
            const size_t length = cpu_min(PIECE, cpu_min((p + 1) * part, a->count) - at);
            float work[PIECE];
            const TensorSummary piece = summary_of(real_read(a->type, a->x, at, length, work), length);
            summary_add(&parts[p], &piece);
        }
    *a->summary = (TensorSummary){0};
    for (int p = 0; p < PARTS; p++)
        summary_add(a->summary, &parts[p]);
}

OpCost cost_summarise_tensor(const SummariseTensor *a, RealType type) {
    (void)type;
    return cost_bytes((double)real_size(a->type) * (double)a->count);
}

/* Columns and rows that are looked at together. */
enum { ACROSS = 64, DOWN = 32 };

WIDE static void mark_active(RealType type, const Real *x, size_t at, size_t stride, int rows, int columns,
                             uint32_t *active) {
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < columns; i++)
            active[i] |= !(real_get(type, x, at + r * stride + i) <= 0);
}

/* Units without a value above 0 among `columns` from `column` on. Ends early when there are none: most units of a
 * healthy layer are activated within a few rows. */
static int count_idle(RealType type, const CountIdleUnits *a, int column, int columns) {
    uint32_t active[ACROSS] = {0};
    int idle = columns;
    for (int row = 0; row < a->rows && idle; row += DOWN) {
        mark_active(type, a->x, (size_t)row * a->columns + column, a->columns, (int)cpu_min(DOWN, a->rows - row),
                    columns, active);
        idle = columns;
        for (int i = 0; i < columns; i++)
            idle -= (int)active[i];
    }
    return idle;
}

void cpu_count_idle_units(Ops *ops, const CountIdleUnits *a) {
    if (ops->error)
        return;
    int idle = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(+ : idle)
    for (int column = 0; column < a->columns; column += ACROSS)
        idle += count_idle(ops->type, a, column, (int)cpu_min(ACROSS, a->columns - column));
    *a->idle = idle;
}

/* One row at least: a column with a value above 0 there is not looked at again. */
OpCost cost_count_idle_units(const CountIdleUnits *a, RealType type) {
    return cost_bytes((double)real_size(type) * (a->rows ? a->columns : 0));
}
