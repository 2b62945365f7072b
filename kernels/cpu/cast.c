#include "approx.h"
#include "cpu.h"
#include "real.h"

#include <math.h>

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

/* Side of the squares that codes are transposed in: a cache line. */
enum { SQUARE = 64 };

/* What tells one 8-bit format from the other. */
typedef struct {
    uint32_t drop;    /* low bits of a float's fraction that the format lacks */
    uint32_t bias;    /* difference of the exponents' biases */
    float least;      /* smallest normal value */
    float shift;      /* 2^23 times the smallest value: adding it rounds to multiples of that */
    uint32_t largest; /* code of the largest value */
} Format;

static const Format formats[] = {
    [FP8_E4M3] = {20, 127 - 7, 0x1p-6f, 0x1p14f, 0x7e},
    [FP8_E5M2] = {21, 127 - 15, 0x1p-14f, 0x1p7f, 0x7b},
};

/* Returns the largest |x|, taking NaN for 0. NaN becomes 0x7f in both formats, as conversions by the GPU do. */
WIDE static float to_fp8(const float *x, float scale, Format f, uint8_t *y, size_t count) {
    uint32_t largest = 0;
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < count; i++) {
        uint32_t size = approx_to_bits(x[i]) & 0x7fffffffu;
        size = size > 0x7f800000u ? 0u : size;
        largest = size > largest ? size : largest; /* non-negative floats are ordered as their bits */
        uint32_t bits = approx_to_bits(x[i] * scale), sign = bits >> 31 << 7;
        bits &= 0x7fffffffu;
        uint32_t normal = (bits + (1u << (f.drop - 1)) - 1u + (bits >> f.drop & 1u)) >> f.drop;
        normal -= f.bias << (23 - f.drop);
        uint32_t small = approx_to_bits(approx_from_bits(bits) + f.shift) - approx_to_bits(f.shift);
        uint32_t code = approx_from_bits(bits) < f.least ? small : normal;
        code = code > f.largest ? f.largest : code;
        y[i] = (uint8_t)(bits > 0x7f800000u ? 0x7fu : sign | code);
    }
    return approx_from_bits(largest);
}

/* y [columns][rows] = x [rows][columns] for some of the rows of y, in squares that stay in the caches. */
static void turn(const uint8_t *x, uint8_t *y, size_t rows, size_t columns, size_t first, size_t last) {
    for (size_t r = 0; r < rows; r += SQUARE)
        for (size_t c = first; c < last; c++)
            for (size_t i = r; i < rows && i < r + SQUARE; i++)
                y[c * rows + i] = x[i * columns + c];
}

void cpu_quantise_fp8(Ops *ops, const Real *x, const float *scale, Fp8Format format, uint8_t *y, uint8_t *transposed,
                      float *amax, int rows, int columns) {
    if (ops->error)
        return;
    const size_t count = (size_t)rows * columns;
    float largest = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest)
    for (size_t i = 0; i < count; i += PIECE) {
        const size_t length = cpu_min(PIECE, count - i);
        float room[PIECE];
        const float found = to_fp8(real_read(ops->type, x, i, length, room), *scale, formats[format], y + i, length);
        largest = found > largest ? found : largest;
    }
    *amax = largest;
    if (!transposed)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < columns; c += SQUARE)
        turn(y, transposed, rows, columns, c, cpu_min(c + SQUARE, columns));
}
