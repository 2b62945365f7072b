/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/rows.h"
#include "stats/probe/product.h"
#include "stats/probe/standardise.h"
#include "stats/probe/tridiagonal.h"

#include <stdlib.h>
#include <string.h>

/* Panels of X'X that are summed in one pass over the rows. */
enum { TOGETHER = 8 };

void rows_close(Rows *r) {
    free(r->row);
    free(r->values);
    free(r->turn);
    free(r->diagonal);
    *r = (Rows){0};
}

static int64_t count_blocks(int64_t rows) {
    return (rows + BLOCK - 1) / BLOCK;
}

static Status allocate_rows(const ProbeInput *in, Rows *r) {
    const size_t width = (size_t)in->width, real = sizeof(double);
    r->width = in->width;
    r->depth = (in->width + 4) / 4 * 4;
    r->stride = product_stride(r->depth);
    for (int64_t row = 0; row < in->rows; row++) {
        r->trains += in->split[row] == PROBE_TRAIN;
        r->vals += in->split[row] == PROBE_VAL;
        r->tests += in->split[row] == PROBE_TEST;
    }
    r->train_blocks = count_blocks(r->trains);
    r->guessed_blocks = count_blocks(r->vals + r->tests);
    const size_t size = (size_t)((r->train_blocks + r->guessed_blocks) * BLOCK * r->stride);
    r->row = malloc(((size_t)in->rows + 1) * sizeof *r->row);
    r->values = calloc(size + 1, real);
    r->turn = calloc(width * width, real);
    r->diagonal = calloc(2 * width, real);
    if (!r->row || !r->values || !r->turn || !r->diagonal)
        return status_no_memory("a probe", (size + width * width) * real);
    r->next = r->diagonal + width;
    return NULL;
}

static void order_rows(const ProbeInput *in, Rows *r) {
    int64_t count = 0;
    for (int64_t split = PROBE_TRAIN; split <= PROBE_TEST; split++)
        for (int64_t row = 0; row < in->rows; row++)
            if (in->split[row] == split)
                r->row[count++] = row;
}

static Status fill_values(const ProbeInput *in, Rows *r) {
    const int width = in->width;
    uint8_t *fit = malloc((size_t)in->rows);
    double *mean = malloc(2 * (size_t)width * sizeof *mean), *deviation = mean + width;
    Status status = fit && mean ? NULL : status_no_memory("a probe", (size_t)in->rows);
    for (int64_t row = 0; row < in->rows && !status; row++)
        fit[row] = in->split[row] == PROBE_TRAIN;
    if (!status)
        status = standardise_measure(in->features, in->rows, width, fit, mean, deviation);
    for (int64_t i = 0; i < in->rows && !status; i++) {
        const int64_t place = i < r->trains ? i : r->train_blocks * BLOCK + i - r->trains;
        const float *from = in->features + r->row[i] * width;
        double *to = r->values + place * r->stride;
        for (int j = 0; j < width; j++)
            to[j] = ((double)from[j] - mean[j]) / deviation[j];
        to[width] = 1;
    }
    free(fit);
    free(mean);
    return status;
}

/* Columns [first, first + PANEL) of X'X from row `first` on, into panels. */
static void gather_panels(const Rows *r, int first, int last, double *panels) {
    double weights[BLOCK * PANEL];
    for (int64_t block = 0; block < r->train_blocks; block++) {
        const double *x = r->values + block * BLOCK * r->stride;
        for (int p = first; p < last; p++) {
            for (int i = 0; i < BLOCK; i++)
                for (int k = 0; k < PANEL; k++)
                    weights[i * PANEL + k] = p * PANEL + k < r->width ? x[i * r->stride + p * PANEL + k] : 0;
            product_gather(x, r->stride, p * PANEL, r->depth, weights, PANEL, panels + (int64_t)p * r->depth * PANEL);
        }
    }
}

/* products[width][width] = X'X of the train rows; panels: width columns rounded up, zeros. */
static void multiply_rows(const Rows *r, int threads, double *panels, double *products) {
    const int width = r->width, count = (width + PANEL - 1) / PANEL;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int from = 0; from < count; from += TOGETHER)
        gather_panels(r, from, from + TOGETHER < count ? from + TOGETHER : count, panels);
    for (int i = 0; i < width; i++)
        for (int j = 0; j <= i; j++) {
            const double *panel = panels + (int64_t)(j / PANEL) * r->depth * PANEL;
            products[(int64_t)i * width + j] = products[(int64_t)j * width + i] = panel[(int64_t)i * PANEL + j % PANEL];
        }
}

/* panels[][depth][PANEL] of Q. */
static void pack_turn(const Rows *r, double *panels) {
    const int width = r->width, count = (width + PANEL - 1) / PANEL;
    for (int p = 0; p < count; p++)
        for (int j = 0; j < r->depth; j++)
            for (int k = 0; k < PANEL; k++)
                panels[((int64_t)p * r->depth + j) * PANEL + k] =
                    j < width && p * PANEL + k < width ? r->turn[(int64_t)j * width + p * PANEL + k] : 0;
}

/* values = values Q, a block at a time; turned[threads' blocks][BLOCK][columns of all panels]. */
static void turn_block(const Rows *r, int64_t block, const double *panels, double *turned) {
    const int width = r->width, count = (width + PANEL - 1) / PANEL;
    double *x = r->values + block * BLOCK * r->stride;
    for (int p = 0; p < count; p++)
        product_project(x, r->stride, r->depth, panels + (int64_t)p * r->depth * PANEL, turned + p * PANEL,
                        (int64_t)count * PANEL);
    for (int i = 0; i < BLOCK; i++)
        memcpy(x + i * r->stride, turned + (int64_t)i * count * PANEL, (size_t)width * sizeof *x);
}

static Status turn_rows(Rows *r, int threads, double *panels) {
    const int64_t blocks = r->train_blocks + r->guessed_blocks, count = (r->width + PANEL - 1) / PANEL;
    const size_t size = (size_t)(BLOCK * count * PANEL);
    double *turned = malloc((size_t)threads * size * sizeof *turned);
    if (!turned)
        return status_no_memory("a probe", (size_t)threads * size * sizeof *turned);
    pack_turn(r, panels);
#pragma omp parallel for num_threads(threads)
    for (int thread = 0; thread < threads; thread++)
        for (int64_t block = blocks * thread / threads; block < blocks * (thread + 1) / threads; block++)
            turn_block(r, block, panels, turned + (size_t)thread * size);
    free(turned);
    return NULL;
}

Status rows_open(const ProbeInput *in, Rows *r) {
    *r = (Rows){0};
    TRY(allocate_rows(in, r));
    order_rows(in, r);
    TRY(fill_values(in, r));
    const size_t columns = ((size_t)in->width + PANEL - 1) / PANEL * PANEL, width = (size_t)in->width;
    double *panels = calloc(columns, (size_t)r->depth * sizeof *panels);
    double *products = malloc(width * width * sizeof *products);
    Status status = panels && products ? NULL : status_no_memory("a probe", 2 * width * width * sizeof *products);
    if (!status) {
        multiply_rows(r, in->threads, panels, products);
        tridiagonal_reduce(products, in->width, in->threads, r->turn, r->diagonal, r->next);
        status = turn_rows(r, in->threads, panels);
    }
    free(products);
    free(panels);
    return status;
}

void rows_turn_back(const Rows *r, const double *weights, double *out) {
    for (int j = 0; j < r->width; j++)
        out[j] = product_dot(r->turn + (int64_t)j * r->width, weights, r->width);
}
