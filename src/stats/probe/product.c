/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/product.h"

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif

enum {
    FOUR = 4,
    VECTORS = PANEL / FOUR,
    DEPTH = 256, /* of a panel in the first cache: 24 KiB */
    LANES = 16   /* sums that run beside each other, since one addition takes four cycles */
};

typedef double Vector __attribute__((vector_size(FOUR * sizeof(double)), aligned(8), may_alias));

static inline void load_tile(Vector sum[FOUR][VECTORS], const double *from, int64_t stride) {
    UNROLL for (int i = 0; i < FOUR; i++) UNROLL for (int v = 0; v < VECTORS; v++) sum[i][v] =
        *(const Vector *)(from + i * stride + FOUR * v);
}

static inline void store_tile(Vector sum[FOUR][VECTORS], double *to, int64_t stride) {
    UNROLL for (int i = 0; i < FOUR; i++) UNROLL for (int v = 0; v < VECTORS; v++) *
        (Vector *)(to + i * stride + FOUR * v) = sum[i][v];
}

/* sum[i][k] += a[i * row + p * column] * b[p * b_stride + k] over p. */
static inline __attribute__((always_inline)) void add_products(Vector sum[FOUR][VECTORS], const double *a, int64_t row,
                                                               int64_t column, const double *b, int64_t b_stride,
                                                               int count) {
    for (int p = 0; p < count; p++) {
        Vector right[VECTORS];
        UNROLL for (int v = 0; v < VECTORS; v++) right[v] = *(const Vector *)(b + p * b_stride + FOUR * v);
        UNROLL for (int i = 0; i < FOUR; i++) {
            const double factor = a[i * row + p * column];
            UNROLL for (int v = 0; v < VECTORS; v++) sum[i][v] += factor * right[v];
        }
    }
}

void product_project(const double *block, int64_t stride, int depth, const double *panel, double *out,
                     int64_t out_stride) {
    for (int from = 0; from < depth; from += DEPTH) {
        const int count = depth - from < DEPTH ? depth - from : DEPTH;
        for (int i = 0; i < BLOCK; i += FOUR) {
            Vector sum[FOUR][VECTORS] = {0};
            if (from)
                load_tile(sum, out + i * out_stride, out_stride);
            add_products(sum, block + i * stride + from, stride, 1, panel + (int64_t)from * PANEL, PANEL, count);
            store_tile(sum, out + i * out_stride, out_stride);
        }
    }
}

void product_gather(const double *block, int64_t stride, int first, int depth, const double *weights,
                    int64_t weights_stride, double *panel) {
    for (int j = first; j < depth; j += FOUR) {
        Vector sum[FOUR][VECTORS];
        load_tile(sum, panel + (int64_t)j * PANEL, PANEL);
        add_products(sum, block + j, 1, stride, weights, weights_stride, BLOCK);
        store_tile(sum, panel + (int64_t)j * PANEL, PANEL);
    }
}

double product_dot(const double *a, const double *b, int64_t count) {
    double lanes[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += a[i + lane] * b[i + lane];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}
