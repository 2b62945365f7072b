/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <string.h>

/* Columns that one piece of a sum over samples holds: two cache lines. */
enum { COLUMNS = 32 };

/* out = x + y over one row; x is a tensor of activations or a parameter. */
static void add_row(RealType x_type, const Real *x, size_t x_at, const float *y, RealType type, Real *out, size_t at,
                    int dim) {
    for (int i = 0; i < dim; i++)
        real_set(type, out, at + i, real_get(x_type, x, x_at + i) + y[i]);
}

static void accumulate(RealType type, const Real *x, size_t at, float *out, int dim) {
    for (int i = 0; i < dim; i++)
        out[i] += real_get(type, x, at + i);
}

void cpu_embed_forward(Ops *ops, const Real *x, const float *cls, const float *pos, const int32_t *ids, Real *out,
                       int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "embed_forward", ids, batch, patches, keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        const size_t at = (size_t)b * (1 + keep) * dim;
        add_row(REAL_FP32, cls, 0, pos, ops->type, out, at, dim);
        for (int j = 0; j < keep; j++)
            add_row(ops->type, x, ((size_t)b * keep + j) * dim, pos + (size_t)(1 + ids[(size_t)b * patches + j]) * dim,
                    ops->type, out, at + (size_t)(1 + j) * dim, dim);
    }
}

void cpu_embed_backward(Ops *ops, const Real *dout, const int32_t *ids, Real *dx, float *dcls, float *dpos, bool add,
                        int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "embed_backward", ids, batch, patches, keep))
        return;
    const size_t sample = (size_t)(1 + keep) * dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++)
        real_copy(ops->type, dout, b * sample + dim, dx, (size_t)b * keep * dim, (size_t)keep * dim);
    if (!add) {
        memset(dcls, 0, dim * sizeof *dcls);
        if (dpos)
            memset(dpos, 0, (size_t)(1 + patches) * dim * sizeof *dpos);
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < dim; c += COLUMNS) {
        int width = (int)cpu_min(COLUMNS, dim - c);
        for (int b = 0; b < batch; b++) {
            const size_t at = b * sample + c;
            accumulate(ops->type, dout, at, dcls + c, width);
            if (!dpos)
                continue;
            accumulate(ops->type, dout, at, dpos + c, width);
            for (int j = 0; j < keep; j++)
                accumulate(ops->type, dout, at + (size_t)(1 + j) * dim,
                           dpos + (size_t)(1 + ids[(size_t)b * patches + j]) * dim + c, width);
        }
    }
}

void cpu_restore_forward(Ops *ops, const Real *x, const float *mask_token, const float *pos, const int32_t *ids,
                         Real *out, int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "restore_forward", ids, batch, patches, keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        const size_t from = (size_t)b * (1 + keep) * dim, to = (size_t)b * (1 + patches) * dim;
        add_row(ops->type, x, from, pos, ops->type, out, to, dim);
        for (int j = 0; j < patches; j++) {
            const size_t place = (size_t)(1 + ids[(size_t)b * patches + j]) * dim;
            const bool visible = j < keep;
            add_row(visible ? ops->type : REAL_FP32, visible ? x : mask_token,
                    visible ? from + (size_t)(1 + j) * dim : 0, pos + place, ops->type, out, to + place, dim);
        }
    }
}

void cpu_restore_backward(Ops *ops, const Real *dout, const int32_t *ids, Real *dx, float *dmask_token, bool add,
                          int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "restore_backward", ids, batch, patches, keep))
        return;
    const size_t sample = (size_t)(1 + patches) * dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        const size_t to = (size_t)b * (1 + keep) * dim;
        real_copy(ops->type, dout, b * sample, dx, to, dim);
        for (int j = 0; j < keep; j++)
            real_copy(ops->type, dout, b * sample + (size_t)(1 + ids[(size_t)b * patches + j]) * dim, dx,
                      to + (size_t)(1 + j) * dim, dim);
    }
    if (!add)
        memset(dmask_token, 0, dim * sizeof *dmask_token);
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < dim; c += COLUMNS) {
        int width = (int)cpu_min(COLUMNS, dim - c);
        for (int b = 0; b < batch; b++) {
            /* A sample's sum first: the total has far fewer terms then, and a smaller error. */
            float total[COLUMNS] = {0};
            for (int j = keep; j < patches; j++)
                accumulate(ops->type, dout, b * sample + (size_t)(1 + ids[(size_t)b * patches + j]) * dim + c, total,
                           width);
            accumulate(REAL_FP32, total, 0, dmask_token + c, width);
        }
    }
}

void cpu_pool_forward(Ops *ops, const Real *x, Real *y, int batch, int tokens, int dim) {
    Rooms rooms;
    if (ops->error || !rooms_open(&rooms, ops, "pool_forward's means", dim))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        float *mean = real_room(ops->type, y, (size_t)b * dim, rooms_at(&rooms, 0));
        memset(mean, 0, dim * sizeof *mean);
        for (int t = 1; t < tokens; t++)
            accumulate(ops->type, x, ((size_t)b * tokens + t) * dim, mean, dim);
        for (int i = 0; i < dim; i++)
            mean[i] /= tokens - 1;
        real_keep(ops->type, mean, y, (size_t)b * dim, dim);
    }
    rooms_close(&rooms);
}

void cpu_pool_backward(Ops *ops, const Real *dy, Real *dx, int batch, int tokens, int dim) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        const size_t from = (size_t)b * dim, to = (size_t)b * tokens * dim;
        real_clear(ops->type, dx, to, dim);
        for (int t = 1; t < tokens; t++)
            for (int i = 0; i < dim; i++)
                real_set(ops->type, dx, to + (size_t)t * dim + i, real_get(ops->type, dy, from + i) / (tokens - 1));
    }
}
