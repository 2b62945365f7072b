/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/quantise.h"

#include "kernels/cpu/codes.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

/* Side of the squares that codes are transposed in: a cache line. */
enum { SQUARE = 64 };

void cpu_begin_fp8(Ops *ops, const BeginFp8 *a) {
    if (ops->error)
        return;
    for (int i = 0; i < a->count; i++) {
        a->scales[i].amax = 0;
        a->scales[i].saturated = 0;
        if (a->scales[i].history[0] == 0) {
            a->scales[i].scale = 0;
            a->scales[i].inverse = 1;
        }
    }
}

/* The few numbers of a scale are not counted. */
OpCost cost_begin_fp8(const BeginFp8 *a, RealType type) {
    (void)a, (void)type;
    return cost_bytes(0);
}

static void choose_scale(Fp8Scale *s, float amax) {
    s->scale = code_scale(s->format, amax);
    s->inverse = 1 / s->scale;
}

/* NaN is neither. */
static bool is_usable(float amax) {
    return amax > 0 && amax < INFINITY;
}

static void update_scale(Fp8Scale *s) {
    const bool overflow = s->saturated || !(s->amax < INFINITY);
    s->recent = s->recent << 1 | overflow;
    s->overflows += overflow;
    s->all_saturated += s->saturated;
    if (is_usable(s->amax)) {
        s->history[s->position] = s->amax;
        s->position = (s->position + 1) % FP8_HISTORY;
        float largest = 0;
        for (int i = 0; i < FP8_HISTORY; i++)
            largest = s->history[i] > largest ? s->history[i] : largest;
        choose_scale(s, largest);
    }
    s->amax = 0;
    s->saturated = 0;
}

void cpu_update_fp8(Ops *ops, const UpdateFp8 *a) {
    if (ops->error || (a->gate && !isfinite(*a->gate)))
        return;
    for (int i = 0; i < a->count; i++)
        update_scale(&a->scales[i]);
}

OpCost cost_update_fp8(const UpdateFp8 *a, RealType type) {
    (void)a, (void)type;
    return cost_bytes(0);
}

/* Non-negative floats are ordered as their bits, NaN above all. */
WIDE static uint32_t largest_bits(const float *x, size_t count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t size = approx_to_bits(x[i]) & 0x7fffffffu;
        largest = size > largest ? size : largest;
    }
    return largest;
}

static void join_amax(Fp8Scale *s, uint32_t largest) {
    if (largest > approx_to_bits(s->amax))
        s->amax = approx_from_bits(largest);
}

void cpu_measure_fp8(Ops *ops, const MeasureFp8 *a) {
    if (ops->error || a->scale->scale != 0)
        return;
    uint32_t largest = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest)
    for (size_t i = 0; i < a->count; i += PIECE) {
        const size_t length = cpu_min(PIECE, a->count - i);
        float work[PIECE];
        const uint32_t found = largest_bits(real_read(ops->type, a->x, i, length, work), length);
        largest = found > largest ? found : largest;
    }
    join_amax(a->scale, largest);
    if (is_usable(a->scale->amax))
        choose_scale(a->scale, a->scale->amax);
}

/* Does nothing in all steps but the first. */
OpCost cost_measure_fp8(const MeasureFp8 *a, RealType type) {
    (void)a, (void)type;
    return cost_bytes(0);
}

/* What quantising some values showed. */
typedef struct {
    uint32_t largest, saturated;
} Seen;

/* NaN becomes 0x7f in both formats, as conversions by the GPU do. */
WIDE static Seen to_codes(const float *x, float scale, CodeFormat f, uint8_t *y, size_t count) {
    uint32_t largest = 0, saturated = 0;
#pragma omp simd reduction(max : largest) reduction(+ : saturated)
    for (size_t i = 0; i < count; i++) {
        uint32_t size = approx_to_bits(x[i]) & 0x7fffffffu;
        largest = size > largest ? size : largest;
        uint32_t bits = approx_to_bits(x[i] * scale), sign = bits >> 31 << 7;
        bits &= 0x7fffffffu;
        uint32_t normal = (bits + (1u << (f.drop - 1)) - 1u + (bits >> f.drop & 1u)) >> f.drop;
        normal -= f.bias << (23 - f.drop);
        uint32_t small = approx_to_bits(approx_from_bits(bits) + f.shift) - approx_to_bits(f.shift);
        uint32_t code = approx_from_bits(bits) < f.least ? small : normal;
        code = code > f.largest ? f.largest : code;
        y[i] = (uint8_t)(bits > 0x7f800000u ? (uint32_t)FP8_NAN : sign | code);
        saturated += approx_from_bits(bits) > f.limit;
    }
    return (Seen){largest, saturated};
}

/* y [columns][rows] = x [rows][columns] for some of the rows of y, in squares that stay in the caches. */
static void transpose_codes(const uint8_t *x, uint8_t *y, size_t rows, size_t columns, size_t first, size_t last) {
    for (size_t r = 0; r < rows; r += SQUARE)
        for (size_t c = first; c < last; c++)
            for (size_t i = r; i < rows && i < r + SQUARE; i++)
                y[c * rows + i] = x[i * columns + c];
}

void cpu_quantise_fp8(Ops *ops, const QuantiseFp8 *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->rows * a->columns;
    const CodeFormat format = code_format(a->scale->format);
    const float factor = a->scale->scale != 0 ? a->scale->scale : 1;
    uint32_t largest = 0, saturated = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest) reduction(+ : saturated)
    for (size_t i = 0; i < count; i += PIECE) {
        const size_t length = cpu_min(PIECE, count - i);
        float work[PIECE];
        const Seen seen = to_codes(real_read(ops->type, a->x, i, length, work), factor, format, a->y + i, length);
        largest = seen.largest > largest ? seen.largest : largest;
        saturated += seen.saturated;
    }
    if (!a->seen) {
        join_amax(a->scale, largest);
        a->scale->saturated += saturated;
    }
    if (!a->transposed)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < a->columns; c += SQUARE)
        transpose_codes(a->y, a->transposed, a->rows, a->columns, c, cpu_min(c + SQUARE, a->columns));
}

OpCost cost_quantise_fp8(const QuantiseFp8 *a, RealType type) {
    const double codes = a->transposed ? 2 : 1;
    return cost_bytes(((double)real_size(type) + codes) * a->rows * a->columns);
}

void quantise_written(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int columns) {
    if (codes && x)
        cpu_quantise_fp8(
            ops,
            &(QuantiseFp8){
                .x = x, .scale = codes->scale, .seen = codes->seen, .y = codes->y, .rows = rows, .columns = columns});
}
