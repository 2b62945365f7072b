/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of Real tensors as floats. In FP32 every function returns the tensor itself and copies nothing; in BF16
 * values are widened into a work buffer, computed with there, and stored in the tensor rounded. An operation that
 * computes from a tensor that it has also written reads the stored values back. NULL tensors give NULL and store
 * nothing. */
#ifndef FOVEA_CPU_REAL_H
#define FOVEA_CPU_REAL_H

#include "kernels/cpu/approx.h"
#include "ops/ops.h"

static inline float real_from_bf16(uint16_t x) {
    return approx_from_bits((uint32_t)x << 16);
}

/* To nearest, ties to even; NaN becomes quiet and keeps its sign. */
static inline uint16_t real_to_bf16(float x) {
    const uint32_t bits = approx_to_bits(x);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    const uint32_t quiet = bits >> 16 | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

/* One element, for loops from which the compiler can move the test of the type. */
static inline float real_get(RealType type, const Real *x, size_t i) {
    return type == REAL_FP32 ? ((const float *)x)[i] : real_from_bf16(((const uint16_t *)x)[i]);
}
static inline void real_set(RealType type, Real *y, size_t i, float value) {
    if (type == REAL_FP32)
        ((float *)y)[i] = value;
    else
        ((uint16_t *)y)[i] = real_to_bf16(value);
}

/* `rows` rows of `columns` values that are x_stride and y_stride apart. */
void real_widen(const uint16_t *x, size_t x_stride, float *y, size_t y_stride, size_t rows, size_t columns);
void real_round(const float *x, size_t x_stride, uint16_t *y, size_t y_stride, size_t rows, size_t columns);

/* The distance between rows that the functions below return, of a tensor whose rows are `stride` apart. */
static inline size_t real_stride(RealType type, size_t stride, size_t columns) {
    return type == REAL_FP32 ? stride : columns;
}

/* `rows` rows of `columns` values from element `at` on. */
static inline const float *real_read_rows(RealType type, const Real *x, size_t at, size_t stride, size_t rows,
                                          size_t columns, float *work) {
    if (!x || type == REAL_FP32)
        return x ? (const float *)x + at : NULL;
    real_widen((const uint16_t *)x + at, stride, work, columns, rows, columns);
    return work;
}
static inline const float *real_read(RealType type, const Real *x, size_t at, size_t count, float *work) {
    return real_read_rows(type, x, at, count, 1, count, work);
}

static inline void real_clear(RealType type, Real *y, size_t at, size_t count) {
    memset((char *)y + at * real_size(type), 0, count * real_size(type));
}
static inline void real_copy(RealType type, const Real *x, size_t x_at, Real *y, size_t y_at, size_t count) {
    memcpy((char *)y + y_at * real_size(type), (const char *)x + x_at * real_size(type), count * real_size(type));
}

/* Where to write values for the tensor from element `at` on; real_store() then takes them from there. */
static inline float *real_target(RealType type, Real *y, size_t at, float *work) {
    return !y ? NULL : type == REAL_FP32 ? (float *)y + at : work;
}

static inline void real_store_rows(RealType type, const float *values, Real *y, size_t at, size_t stride, size_t rows,
                                   size_t columns) {
    if (y && type == REAL_BF16)
        real_round(values, columns, (uint16_t *)y + at, stride, rows, columns);
}
static inline void real_store(RealType type, const float *values, Real *y, size_t at, size_t count) {
    real_store_rows(type, values, y, at, count, 1, count);
}

/* Each thread's work buffers of an operation; none in FP32. */
typedef struct {
    float *floats;
    size_t each;
} ThreadScratch;

/* `floats` for each thread. False after a failure, which names `what`. */
bool scratch_open(ThreadScratch *scratch, Ops *ops, const char *what, size_t floats);
void scratch_close(ThreadScratch *scratch);
/* The calling thread's buffer from float `offset` on; NULL in FP32. */
float *scratch_at(const ThreadScratch *scratch, size_t offset);

#endif
