/* SPDX-License-Identifier: Apache-2.0 */
/* Products of small and middling matrices, single-threaded: for the linear layers and attention.
 *
 * C (m x n) = A (m x k) B (k x n). B is packed first into panels of a tile's width, each k rows of `columns` floats
 * beside each other, the last one padded with zeros to whole vectors; a tile of C stays in registers while k runs. A is
 * read in place, with any distances between rows and columns. The order of sums depends on the shape alone. (Goto
 * & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.)
 *
 * Why not a library's: every thread shares the packed weights and finishes its rows (bias, GELU) while they are in the
 * cache, and the result depends neither on the number of threads nor on the library. Measured beside oneDNN 2.6's
 * dnnl_sgemm on blocks of 64 rows, one core: 172-188 against 112-160 GFLOP/s with AVX-512, 90-94 against 79-84 with
 * AVX2; the weight gradient's shapes go either way, 151-177 against 139-185. */
#ifndef FOVEA_GEMM_H
#define FOVEA_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* One processor's tile. */
typedef struct {
    int rows, columns, lanes; /* columns are three vectors of `lanes` */
    /* C = or += A panel over rows <= tile.rows and columns <= tile.columns. start: `columns` floats (padded) that every
     * row of C begins with, or NULL. */
    void (*multiply)(const float *a, size_t row, size_t column, const float *panel, const float *start, float *c,
                     size_t stride, int rows, int columns, int k, bool add);
} Tile;

/* The i-th of the tiles that this processor can run, the widest first; NULL beyond the last. */
const Tile *tile_get(int i);
static inline const Tile *tile_best(void) {
    return tile_get(0);
}

/* Panels that n columns fill. */
int tile_panels(const Tile *tile, int n);

/* Packs columns [first, first + tile.columns) of B, as far as there are `n`: B(k, j) is b[k * row + j]. */
void tile_pack(const Tile *tile, const float *b, size_t row, int k, int n, int first, float *panel);
/* The same of B transposed: B(k, j) is b[j * row + k]. */
void tile_pack_transposed(const Tile *tile, const float *b, size_t row, int k, int n, int first, float *panel);

/* C = or += A panel for any number of rows; `columns` of the panel are written. */
void tile_multiply(const Tile *tile, const float *a, size_t row, size_t column, const float *panel, const float *start,
                   float *c, size_t stride, int rows, int columns, int k, bool add);

#endif
