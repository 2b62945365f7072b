/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/codes.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

/* Side of the squares that codes are transposed in: a cache line. */
enum { SQUARE = 64 };

void cpu_begin_fp8(Ops *ops, Fp8Scale *scales, int count) {
    if (ops->error)
        return;
    for (int i = 0; i < count; i++) {
        scales[i].amax = 0;
        scales[i].saturated = 0;
        if (scales[i].history[0] == 0) {
            scales[i].scale = 0;
            scales[i].inverse = 1;
        }
    }
}

static void choose(Fp8Scale *s, float amax) {
    s->scale = code_scale(s->format, amax);
    s->inverse = 1 / s->scale;
}

/* NaN is neither. */
static bool is_usable(float amax) {
    return amax > 0 && amax < INFINITY;
}

static void update(Fp8Scale *s) {
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
        choose(s, largest);
    }
    s->amax = 0;
    s->saturated = 0;
}

void cpu_update_fp8(Ops *ops, Fp8Scale *scales, int count, const float *gate) {
    if (ops->error || (gate && !isfinite(*gate)))
        return;
    for (int i = 0; i < count; i++)
        update(&scales[i]);
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

void cpu_measure_fp8(Ops *ops, const Real *x, Fp8Scale *scale, size_t count) {
    if (ops->error || scale->scale != 0)
        return;
    uint32_t largest = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest)
    for (size_t i = 0; i < count; i += PIECE) {
        const size_t length = cpu_min(PIECE, count - i);
        float room[PIECE];
        const uint32_t found = largest_bits(real_read(ops->type, x, i, length, room), length);
        largest = found > largest ? found : largest;
    }
    join_amax(scale, largest);
    if (is_usable(scale->amax))
        choose(scale, scale->amax);
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
static void turn(const uint8_t *x, uint8_t *y, size_t rows, size_t columns, size_t first, size_t last) {
    for (size_t r = 0; r < rows; r += SQUARE)
        for (size_t c = first; c < last; c++)
            for (size_t i = r; i < rows && i < r + SQUARE; i++)
                y[c * rows + i] = x[i * columns + c];
}

void cpu_quantise_fp8(Ops *ops, const Real *x, Fp8Scale *scale, bool seen_before, uint8_t *y, uint8_t *transposed,
                      int rows, int columns) {
    if (ops->error)
        return;
    const size_t count = (size_t)rows * columns;
    const CodeFormat format = code_format(scale->format);
    const float factor = scale->scale != 0 ? scale->scale : 1;
    uint32_t largest = 0, saturated = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest) reduction(+ : saturated)
    for (size_t i = 0; i < count; i += PIECE) {
        const size_t length = cpu_min(PIECE, count - i);
        float room[PIECE];
        const Seen seen = to_codes(real_read(ops->type, x, i, length, room), factor, format, y + i, length);
        largest = seen.largest > largest ? seen.largest : largest;
        saturated += seen.saturated;
    }
    if (!seen_before) {
        join_amax(scale, largest);
        scale->saturated += saturated;
    }
    if (!transposed)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < columns; c += SQUARE)
        turn(y, transposed, rows, columns, c, cpu_min(c + SQUARE, columns));
}
