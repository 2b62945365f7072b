/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/gemm.h"
#include "tests/checkops/checkops.h"

#include <math.h>

/* One panel with every tile that this processor can run, the operations use only the first: A and B are stored either
 * way round, C has gaps between its rows. */
static void check_tile(Check *check, const Tile *tile) {
    const int m = check_between(check, 1, 20), k = check_between(check, 1, 40), n = check_between(check, 1, 100);
    const int first = check_between(check, 0, (n - 1) / tile->columns) * tile->columns;
    const int columns = n - first < tile->columns ? n - first : tile->columns, gap = check_between(check, 0, 3);
    const bool a_turned = check_coin(check), b_turned = check_coin(check), add = check_coin(check);
    const bool started = check_coin(check);
    check_shape(check, "tile %d x %d, m=%d k=%d n=%d first=%d turned %d %d start=%d add=%d", tile->rows, tile->columns,
                m, k, n, first, a_turned, b_turned, started, add);
    float *a = check_floats(check, "a", BUFFER_INPUT, (size_t)m * k, 1);
    float *b = check_floats(check, "b", BUFFER_INPUT, (size_t)k * n, 1);
    float *start = check_floats(check, "start", BUFFER_INPUT, tile->columns, 1);
    float *panel = check_floats(check, "panel", BUFFER_BOTH, (size_t)k * tile->columns, 1);
    float *c = check_floats(check, "c", BUFFER_BOTH, (size_t)m * (columns + gap), 1);
    double *want = check_copy(check, c, (size_t)m * (columns + gap));
    double *bound = check_numbers(check, (size_t)m * (columns + gap));
    check->host_only = true;
    RUN(check) {
        if (b_turned)
            tile_pack_transposed(tile, AT(b), k, k, n, first, AT(panel));
        else
            tile_pack(tile, AT(b), n, k, n, first, AT(panel));
        tile_multiply(tile, AT(a), a_turned ? 1 : k, a_turned ? m : 1, AT(panel), AT(started ? start : NULL), AT(c),
                      columns + gap, m, columns, k, add);
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < columns; j++) {
            const size_t at = (size_t)i * (columns + gap) + j;
            double sum = (add ? want[at] : 0) + (started ? start[j] : 0), total = fabs(want[at]) + fabs(start[j]);
            for (int p = 0; p < k; p++) {
                double term = (double)a[a_turned ? p * m + i : i * k + p];
                term *= b[b_turned ? (first + j) * k + p : p * n + first + j];
                sum += term;
                total += fabs(term);
            }
            want[at] = sum;
            bound[at] = (k + 2) * ROUNDING * total; /* n roundings of the absolute sum; the gaps: none */
        }
    check_bounds(check, "c", c, want, bound, (size_t)m * (columns + gap));
}

void check_gemm(Check *check) {
    const Tile *tile = tile_get(check->round % 2);
    check_tile(check, tile ? tile : tile_best());
}
