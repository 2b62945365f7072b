/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/activation.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEPTH = 128,   /* samples that a weight gradient takes at once, so that the operands stay in the caches */
    COLUMNS = 32,  /* of dy that meet them: two cache lines, as memory is fetched */
    PREFETCH = 16, /* rows of dy that are fetched before they are needed */
    LINE = 64      /* bytes */
};

/* Rows that a thread multiplies at once: many, to fetch the packed weights seldom, but enough pieces for the threads.
 */
static int block_rows(int rows) {
    const int block = rows / 40 / 32 * 32;
    return block < 32 ? 32 : block > 128 ? 128 : block;
}

static int max_int(int a, int b) {
    return a > b ? a : b;
}

void cpu_linear_forward(Ops *ops, const LinearForward *a) {
    if (ops->error)
        return;
    const RealType type = ops->type;
    const Tile *tile = tile_best();
    const int block = block_rows(a->rows);
    const size_t area = (size_t)block * tile->columns; /* scratch: products, then rows of x or of w */
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "linear_forward's rows", area + (size_t)a->in * max_int(block, tile->columns)))
        return;
    const size_t width = (size_t)tile_panels(tile, a->out) * tile->columns;
    float *panels = cpu_scratch(ops, "linear_forward's packed weights", width * (a->in + 1));
    if (!panels) {
        scratch_close(&scratch);
        return;
    }
    float *start = NULL;
    Real *product = a->act == ACTIVATION_NONE ? a->y : a->pre;
    if (a->bias) {
        start = panels + width * a->in;
        memset(start, 0, width * sizeof *start);
        if (type == REAL_FP32)
            memcpy(start, a->bias, a->out * sizeof *start);
        else
            real_read(type, a->bias, 0, a->out, start);
    }
#pragma omp parallel num_threads(ops->threads)
    {
#pragma omp for schedule(static)
        for (int j = 0; j < a->out; j += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, a->out - j);
            const float *from =
                real_read(type, a->w, (size_t)j * a->in, (size_t)columns * a->in, scratch_at(&scratch, area));
            tile_pack_transposed(tile, from, a->in, a->in, columns, 0, panels + (size_t)j * a->in);
        }
#pragma omp for schedule(static) nowait
        for (int r = 0; r < a->rows; r += block) {
            const int height = (int)cpu_min(block, a->rows - r);
            const float *from =
                real_read(type, a->x, (size_t)r * a->in, (size_t)height * a->in, scratch_at(&scratch, area));
            for (int j = 0; j < a->out; j += tile->columns) {
                const int columns = (int)cpu_min(tile->columns, a->out - j);
                const size_t at = (size_t)r * a->out + j, stride = real_stride(type, a->out, columns);
                float *work = scratch_at(&scratch, 0), *to = real_target(type, product, at, work);
                tile_multiply(tile, from, a->in, 1, panels + (size_t)j * a->in, start ? start + j : NULL, to, stride,
                              height, columns, a->in, false);
                real_store_rows(type, to, product, at, a->out, height, columns);
                if (a->act == ACTIVATION_NONE)
                    continue;
                /* While the product is in the cache. */
                to = real_target(type, a->y, at, work);
                activation_forward(real_read_rows(type, product, at, a->out, height, columns, work), a->act, to, stride,
                                   height, columns);
                real_store_rows(type, to, a->y, at, a->out, height, columns);
            }
        }
    }
    free(panels);
    scratch_close(&scratch);
}

OpCost cost_linear_forward(const LinearForward *a, RealType type) {
    const double x = (double)a->rows * a->in, w = (double)a->in * a->out, y = (double)a->rows * a->out;
    const int written = a->act == ACTIVATION_NONE ? 1 : 2; /* pre, too */
    return (OpCost){(double)real_size(type) * (x + w + y * written), cost_product(a->rows, a->in, a->out)};
}

void cpu_linear_backward_input(Ops *ops, const LinearBackwardInput *a) {
    if (ops->error)
        return;
    const RealType type = ops->type;
    const Tile *tile = tile_best();
    const int block = block_rows(a->rows);
    const size_t area = (size_t)block * tile->columns; /* scratch: products, inputs of GELU, rows of dy or of w */
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "linear_backward_input's rows",
                      2 * area + (size_t)a->out * max_int(block, tile->columns)))
        return;
    float *panels = cpu_scratch(ops, "linear_backward_input's packed weights",
                                (size_t)tile_panels(tile, a->in) * tile->columns * a->out);
    if (!panels) {
        scratch_close(&scratch);
        return;
    }
#pragma omp parallel num_threads(ops->threads)
    {
#pragma omp for schedule(static)
        for (int j = 0; j < a->in; j += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, a->in - j);
            const float *from = real_read_rows(type, a->w, j, a->in, a->out, columns, scratch_at(&scratch, 2 * area));
            tile_pack(tile, from, real_stride(type, a->in, columns), a->out, columns, 0, panels + (size_t)j * a->out);
        }
#pragma omp for schedule(static) nowait
        for (int r = 0; r < a->rows; r += block) {
            const int height = (int)cpu_min(block, a->rows - r);
            const float *from =
                real_read(type, a->dy, (size_t)r * a->out, (size_t)height * a->out, scratch_at(&scratch, 2 * area));
            for (int j = 0; j < a->in; j += tile->columns) {
                const int columns = (int)cpu_min(tile->columns, a->in - j);
                const size_t at = (size_t)r * a->in + j, stride = real_stride(type, a->in, columns);
                float *to = real_target(type, a->dx, at, scratch_at(&scratch, 0));
                tile_multiply(tile, from, a->out, 1, panels + (size_t)j * a->out, NULL, to, stride, height, columns,
                              a->out, false);
                if (a->act != ACTIVATION_NONE)
                    activation_backward(
                        to, real_read_rows(type, a->pre, at, a->in, height, columns, scratch_at(&scratch, area)),
                        a->act, to, stride, height, columns);
                real_store_rows(type, to, a->dx, at, a->in, height, columns);
            }
        }
    }
    free(panels);
    scratch_close(&scratch);
}

OpCost cost_linear_backward_input(const LinearBackwardInput *a, RealType type) {
    const double dx = (double)a->rows * a->in, w = (double)a->in * a->out, dy = (double)a->rows * a->out;
    const int planes = a->act == ACTIVATION_NONE ? 1 : 2; /* pre is read, too */
    return (OpCost){(double)real_size(type) * (dx * planes + w + dy), cost_product(a->rows, a->in, a->out)};
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
            __builtin_prefetch(from + PREFETCH * stride);
            __builtin_prefetch(from + PREFETCH * stride + LINE / 4);
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

static int divide_up(int a, int b) {
    return (a + b - 1) / b;
}

/* The division into at most `threads` rectangles whose largest is smallest; of equals, the one that reads least. */
static Division divide_work(int panels, int groups, int columns, int threads) {
    Division best = {1, 1, panels, groups};
    for (int across = 1; across <= threads && across <= panels; across++) {
        Division d = {.across = across, .panels = divide_up(panels, across)};
        d.groups = divide_up(groups, threads / across);
        d.down = divide_up(groups, d.groups);
        d.across = divide_up(panels, d.panels);
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
                             int rows, float *packed, float *work) {
    float *block = packed, *panels = packed + DEPTH * COLUMNS;
    for (int r = 0; r < rows; r += DEPTH) {
        const int depth = (int)cpu_min(DEPTH, rows - r);
        for (int i = 0; i < inputs; i += tile->columns) {
            const int columns = (int)cpu_min(tile->columns, inputs - i);
            const float *from = real_read_rows(type, x, x_at + (size_t)r * in + i, in, depth, columns, work);
            tile_pack(tile, from, real_stride(type, in, columns), depth, columns, 0, panels + (size_t)i * DEPTH);
        }
        for (int o = 0; o < outputs; o += COLUMNS) {
            const int height = (int)cpu_min(COLUMNS, outputs - o);
            const float *from = real_read_rows(type, dy, dy_at + (size_t)r * out + o, out, depth, height, work);
            take_columns(from, real_stride(type, out, height), block, dbias ? dbias + o : NULL, depth, height);
            for (int i = 0; i < inputs; i += tile->columns)
                tile_multiply(tile, block, 1, COLUMNS, panels + (size_t)i * DEPTH, NULL, dw + (size_t)o * in + i, in,
                              height, (int)cpu_min(tile->columns, inputs - i), depth, add || r > 0);
        }
    }
}

void cpu_linear_backward_weight(Ops *ops, const LinearBackwardWeight *a) {
    if (ops->error)
        return;
    const Tile *tile = tile_best();
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "linear_backward_weight's columns",
                      DEPTH * (size_t)max_int(COLUMNS, tile->columns)))
        return;
    const Division d = divide_work(tile_panels(tile, a->in), divide_up(a->out, COLUMNS), tile->columns, ops->threads);
    const int inputs = d.panels * tile->columns, outputs = d.groups * COLUMNS;
    const size_t each = DEPTH * (size_t)(COLUMNS + inputs);
    float *packed = cpu_scratch(ops, "linear_backward_weight's packed blocks", each * d.across * d.down);
    if (!packed) {
        scratch_close(&scratch);
        return;
    }
    if (a->dbias && !a->add)
        memset(a->dbias, 0, a->out * sizeof *a->dbias);
    if (a->rows == 0 && !a->add)
        memset(a->dw, 0, (size_t)a->out * a->in * sizeof *a->dw);
#pragma omp parallel for num_threads(ops->threads) schedule(static, 1)
    for (int t = 0; t < d.across * d.down; t++) {
        const int i = t % d.across * inputs, o = t / d.across * outputs;
        weight_rectangle(tile, ops->type, a->dy, o, a->out, (int)cpu_min(outputs, a->out - o), a->x, i, a->in,
                         (int)cpu_min(inputs, a->in - i), a->dw + (size_t)o * a->in + i,
                         a->dbias && i == 0 ? a->dbias + o : NULL, a->add, a->rows, packed + t * each,
                         scratch_at(&scratch, 0));
    }
    free(packed);
    scratch_close(&scratch);
}

OpCost cost_linear_backward_weight(const LinearBackwardWeight *a, RealType type) {
    const double dw = (double)a->in * a->out, factors = (double)a->rows * ((double)a->in + a->out);
    return (OpCost){(double)real_size(type) * factors + sizeof(float) * dw * (1 + a->add),
                    cost_product(a->rows, a->in, a->out)};
}
