/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/waves.h"

enum { TILE = 128, WIDE = 256 };

typedef struct {
    double used, taken; /* in waves x terms */
} WaveTime;

static double ceiling(double a, double b) {
    const int64_t whole = (int64_t)(a / b);
    return (double)(whole + ((double)whole * b < a));
}

/* `count` products of rows x columns results with `terms` each. */
static void add_product(WaveTime *time, int multiprocessors, int count, double rows, double columns, double terms) {
    const double upright = ceiling(rows, TILE) * ceiling(columns, WIDE);
    const double lying = ceiling(rows, WIDE) * ceiling(columns, TILE);
    const double waves = ceiling(upright < lying ? upright : lying, multiprocessors);
    time->used += count * terms * rows * columns / ((double)TILE * WIDE * multiprocessors);
    time->taken += count * terms * waves;
}

/* The products of `blocks` blocks: of attention's input and output and of the MLP's two, forward and then backward. */
static void add_blocks(WaveTime *time, int multiprocessors, int blocks, double rows, double dim, double hidden) {
    const double sides[][2] = {{dim, 3 * dim}, {dim, dim}, {dim, hidden}, {hidden, dim}};
    for (int i = 0; i < 4; i++) {
        add_product(time, multiprocessors, blocks, rows, sides[i][1], sides[i][0]);
        add_product(time, multiprocessors, blocks, rows, sides[i][0], sides[i][1]);
    }
}

double waves_filled(const ModelShape *shape, int multiprocessors) {
    const int across = shape->image_size / shape->patch_size, patches = across * across;
    const int seen = 1 + (int)(patches * (1 - shape->mask_ratio));
    WaveTime time = {0};
    add_blocks(&time, multiprocessors, shape->depth, (double)shape->batch * seen, shape->dim,
               (double)shape->dim * shape->mlp_ratio);
    add_blocks(&time, multiprocessors, shape->decoder_depth, (double)shape->batch * (1 + patches), shape->decoder_dim,
               (double)shape->decoder_dim * shape->mlp_ratio);
    return time.used / time.taken;
}
