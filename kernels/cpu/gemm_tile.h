/* SPDX-License-Identifier: Apache-2.0 */
/* One tile for gemm.c, included once for each width of vector: LANES floats, ROWS rows of up to three vectors, named
 * NAME, compiled for TARGET. */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define Vector JOIN(NAME, _vector)

typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* With `rows` and `vectors` constant the accumulators stay in registers. */
TARGET static inline __attribute__((always_inline)) void
JOIN(NAME, _fixed)(const float *a, size_t row, size_t column, const float *panel, const float *start, float *c,
                   size_t stride, int columns, int k, bool add, const int rows, const int vectors) {
    Vector sum[ROWS][3];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) sum[i][j] =
        start ? *(const Vector *)(start + j * LANES) : (Vector){0};
    for (int p = 0; p < k; p++) {
        Vector b[3];
        UNROLL for (int j = 0; j < vectors; j++) b[j] = *(const Vector *)(panel + (size_t)p * 3 * LANES + j * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            const float factor = a[i * row + p * column];
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += factor * b[j];
        }
    }
    if (columns == vectors * LANES) {
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) {
            Vector *to = (Vector *)(c + i * stride + j * LANES);
            if (add)
                sum[i][j] += *to;
            *to = sum[i][j];
        }
        return;
    }
    UNROLL for (int i = 0; i < rows; i++) {
        float last[3 * LANES] = {0};
        UNROLL for (int j = 0; j < vectors; j++) * (Vector *)(last + j * LANES) = sum[i][j];
        for (int j = 0; j < columns; j++)
            c[i * stride + j] = add ? c[i * stride + j] + last[j] : last[j];
    }
}

TARGET static void NAME(const float *a, size_t row, size_t column, const float *panel, const float *start, float *c,
                        size_t stride, int rows, int columns, int k, bool add) {
    switch (rows * 4 + (columns + LANES - 1) / LANES) {
#define CASE(r, v)                                                                                                     \
    case r * 4 + v:                                                                                                    \
        JOIN(NAME, _fixed)(a, row, column, panel, start, c, stride, columns, k, add, r, v);                            \
        break;
#define CASES(r) CASE(r, 1) CASE(r, 2) CASE(r, 3)
        CASES(1)
        CASES(2)
        CASES(3)
        CASES(4)
#if ROWS == 8
        CASES(5) CASES(6) CASES(7) CASES(8)
#endif
#undef CASES
#undef CASE
    }
}

#undef Vector
#undef JOIN
#undef JOIN_
#undef NAME
#undef TARGET
#undef LANES
#undef ROWS
