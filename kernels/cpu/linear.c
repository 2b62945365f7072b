/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/activation.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEPTH = 128,  /* samples that a weight gradient takes at once: what is multiplied stays in the caches */
    COLUMNS = 32, /* of dy that meet them: two cache lines, as memory is fetched */
    AHEAD = 16,   /* rows of dy that are asked for before they are needed */
    LINE = 64     /* bytes */
};

/* Rows that a thread multiplies at once: many, to fetch the packed weights seldom, but enough pieces for the threads.
 */
static int block_rows(int rows) {
    const int block = rows / 40 / 32 * 32;
    return block < 32 ? 32 : block > 128 ? 128 : block;
}

static int most(int a, int b) {
    return a > b ? a : b;
}

void cpu_linear_forward(Ops *ops, const Real *x, const Real *w, const Real *bias, Activation act, Real *pre, Real *y,
                        int rows, int in, int out) {
    if (ops->error)
        return;
    const RealType type = ops->type;
    const Tile *tile = tile_best();
    const int block = block_rows(rows);
    const size_t area = (size_t)block * tile->columns; /* rooms: products, then rows of x or of w */
    Rooms rooms;
    if (!rooms_open(&rooms, ops, "linear_forward's rows", area + (size_t)in * most(block, tile->columns)))
        return;
    const size_t width = (size_t)tile_panels(tile, out) * tile->columns;
    float *panels = cpu_scratch(ops, "linear_forward's packed weights", width * (in + 1));
    if (!panels) {
        rooms_close(&rooms);
        return;
    }
    float *start = NULL;
    Real *product = act == ACTIVATION_NONE ? y : pre;
    if (bias) {
        start = panels + width * in;
        memset(start, 0, width * sizeof *start);
        if (type == REAL_FP32)
            memcpy(start, bias, out * sizeof *start);
        else
            real_read(type, bias, 0, out, start);
    }
#pragma omp parallel num_threads(ops->threads)
    {
#pragma omp for schedule(static)
        for (int j = 0; j < out; j += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, out - j);
            const float *from = real_read(type, w, (size_t)j * in, (size_t)columns * in, rooms_at(&rooms, area));
            tile_pack_transposed(tile, from, in, in, columns, 0, panels + (size_t)j * in);
        }
#pragma omp for schedule(static) nowait
        for (int r = 0; r < rows; r += block) {
            const int height = (int)cpu_min(block, rows - r);
            const float *from = real_read(type, x, (size_t)r * in, (size_t)height * in, rooms_at(&rooms, area));
            for (int j = 0; j < out; j += tile->columns) {
                const int columns = (int)cpu_min(tile->columns, out - j);
                const size_t at = (size_t)r * out + j, stride = real_stride(type, out, columns);
                float *room = rooms_at(&rooms, 0), *to = real_room(type, product, at, room);
                tile_multiply(tile, from, in, 1, panels + (size_t)j * in, start ? start + j : NULL, to, stride, height,
                              columns, in, false);
                real_keep_rows(type, to, product, at, out, height, columns);
                if (act == ACTIVATION_NONE)
                    continue;
                /* While the product is in the cache. */
                to = real_room(type, y, at, room);
                activation_forward(real_read_rows(type, product, at, out, height, columns, room), act, to, stride,
                                   height, columns);
                real_keep_rows(type, to, y, at, out, height, columns);
            }
        }
    }
    free(panels);
    rooms_close(&rooms);
}

void cpu_linear_backward_input(Ops *ops, const Real *dy, const Real *w, Activation act, const Real *pre, Real *dx,
                               int rows, int in, int out) {
    if (ops->error)
        return;
    const RealType type = ops->type;
    const Tile *tile = tile_best();
    const int block = block_rows(rows);
    const size_t area = (size_t)block * tile->columns; /* rooms: products, what went into GELU, rows of dy or of w */
    Rooms rooms;
    if (!rooms_open(&rooms, ops, "linear_backward_input's rows", 2 * area + (size_t)out * most(block, tile->columns)))
        return;
    float *panels =
        cpu_scratch(ops, "linear_backward_input's packed weights", (size_t)tile_panels(tile, in) * tile->columns * out);
    if (!panels) {
        rooms_close(&rooms);
        return;
    }
#pragma omp parallel num_threads(ops->threads)
    {
#pragma omp for schedule(static)
        for (int j = 0; j < in; j += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, in - j);
            const float *from = real_read_rows(type, w, j, in, out, columns, rooms_at(&rooms, 2 * area));
            tile_pack(tile, from, real_stride(type, in, columns), out, columns, 0, panels + (size_t)j * out);
        }
#pragma omp for schedule(static) nowait
        for (int r = 0; r < rows; r += block) {
            const int height = (int)cpu_min(block, rows - r);
            const float *from = real_read(type, dy, (size_t)r * out, (size_t)height * out, rooms_at(&rooms, 2 * area));
            for (int j = 0; j < in; j += tile->columns) {
                const int columns = (int)cpu_min(tile->columns, in - j);
                const size_t at = (size_t)r * in + j, stride = real_stride(type, in, columns);
                float *to = real_room(type, dx, at, rooms_at(&rooms, 0));
                tile_multiply(tile, from, out, 1, panels + (size_t)j * out, NULL, to, stride, height, columns, out,
                              false);
                if (act != ACTIVATION_NONE)
                    activation_backward(to, real_read_rows(type, pre, at, in, height, columns, rooms_at(&rooms, area)),
                                        act, to, stride, height, columns);
                real_keep_rows(type, to, dx, at, in, height, columns);
            }
        }
    }
    free(panels);
    rooms_close(&rooms);
}

/* Copies `width` columns of dy, COLUMNS apart in `block`, and adds their sums to `sum` if not NULL: apart first, which
 * keeps the error of long sums small. */
WIDE static void take_columns(const float *restrict dy, size_t stride, float *restrict block, float *sum, int rows,
                              int width) {
    float part[COLUMNS] = {0};
    for (int r = 0; r < rows; r++) {
        const float *from = dy + r * stride;
        float *to = block + r * COLUMNS;
        if (width < COLUMNS)
            memcpy(to, from, width * sizeof *to);
        else {
            __builtin_prefetch(from + AHEAD * stride);
            __builtin_prefetch(from + AHEAD * stride + LINE / 4);
            memcpy(to, from, COLUMNS * sizeof *to);
        }
        for (int c = 0; c < width && sum; c++)
            part[c] += to[c];
    }
    for (int c = 0; c < width && sum; c++)
        sum[c] += part[c];
}

/* How the weight gradient is divided: `across` by `down` rectangles of `panels` panels of x by `groups` groups of
 * COLUMNS of dy. Each element's sum runs in the same order however it is divided. */
typedef struct {
    int across, down, panels, groups;
} Division;

static int ceiling(int a, int b) {
    return (a + b - 1) / b;
}

/* The division into at most `threads` rectangles whose largest is smallest; of equals, the one that reads least. */
static Division divide(int panels, int groups, int columns, int threads) {
    Division best = {1, 1, panels, groups};
    for (int across = 1; across <= threads && across <= panels; across++) {
        Division d = {.across = across, .panels = ceiling(panels, across)};
        d.groups = ceiling(groups, threads / across);
        d.down = ceiling(groups, d.groups);
        d.across = ceiling(panels, d.panels);
        const int size = d.panels * d.groups, least = best.panels * best.groups;
        if (size < least ||
            (size == least && d.panels * columns + d.groups * COLUMNS < best.panels * columns + best.groups * COLUMNS))
            best = d;
    }
    return best;
}

/* One rectangle of dw: `inputs` columns and `outputs` rows of it, from columns x_at of x and dy_at of dy on, and dbias
 * if not NULL. */
static void weight_rectangle(const Tile *tile, RealType type, const Real *dy, size_t dy_at, int out, int outputs,
                             const Real *x, size_t x_at, int in, int inputs, float *dw, float *dbias, bool add,
                             int rows, float *scratch, float *room) {
    float *block = scratch, *panels = scratch + DEPTH * COLUMNS;
    for (int r = 0; r < rows; r += DEPTH) {
        const int depth = (int)cpu_min(DEPTH, rows - r);
        for (int i = 0; i < inputs; i += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, inputs - i);
            const float *from = real_read_rows(type, x, x_at + (size_t)r * in + i, in, depth, columns, room);
            tile_pack(tile, from, real_stride(type, in, columns), depth, columns, 0, panels + (size_t)i * DEPTH);
        }
        for (int o = 0; o < outputs; o += COLUMNS) {
            const int height = (int)cpu_min(COLUMNS, outputs - o);
            const float *from = real_read_rows(type, dy, dy_at + (size_t)r * out + o, out, depth, height, room);
            take_columns(from, real_stride(type, out, height), block, dbias ? dbias + o : NULL, depth, height);
            for (int i = 0; i < inputs; i += tile->columns)
                tile_multiply(tile, block, 1, COLUMNS, panels + (size_t)i * DEPTH, NULL, dw + (size_t)o * in + i, in,
                              height, (int)cpu_min(tile->columns, inputs - i), depth, add || r > 0);
        }
    }
}

void cpu_linear_backward_weight(Ops *ops, const Real *dy, const Real *x, float *dw, float *dbias, bool add, int rows,
                                int in, int out) {
    if (ops->error)
        return;
    const Tile *tile = tile_best();
    Rooms rooms;
    if (!rooms_open(&rooms, ops, "linear_backward_weight's columns", DEPTH * (size_t)most(COLUMNS, tile->columns)))
        return;
    const Division d = divide(tile_panels(tile, in), ceiling(out, COLUMNS), tile->columns, ops->threads);
    const int inputs = d.panels * tile->columns, outputs = d.groups * COLUMNS;
    const size_t each = DEPTH * (size_t)(COLUMNS + inputs);
    float *scratch = cpu_scratch(ops, "linear_backward_weight's packed blocks", each * d.across * d.down);
    if (!scratch) {
        rooms_close(&rooms);
        return;
    }
    if (dbias && !add)
        memset(dbias, 0, out * sizeof *dbias);
    if (rows == 0 && !add)
        memset(dw, 0, (size_t)out * in * sizeof *dw);
#pragma omp parallel for num_threads(ops->threads) schedule(static, 1)
    for (int t = 0; t < d.across * d.down; t++) {
        const int i = t % d.across * inputs, o = t / d.across * outputs;
        weight_rectangle(tile, ops->type, dy, o, out, (int)cpu_min(outputs, out - o), x, i, in,
                         (int)cpu_min(inputs, in - i), dw + (size_t)o * in + i, dbias && i == 0 ? dbias + o : NULL, add,
                         rows, scratch + t * each, rooms_at(&rooms, 0));
    }
    free(scratch);
    rooms_close(&rooms);
}
