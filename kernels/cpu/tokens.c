/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <string.h>

/* Columns in one piece of a sum over samples: two cache lines. */
enum { COLUMNS = 32 };

/* out = x + y over one row; x is a tensor of activations or a parameter. */
static void add_row(RealType x_type, const Real *x, size_t x_at, const float *y, RealType type, Real *out, size_t at,
                    int dim) {
    for (int i = 0; i < dim; i++)
        real_set(type, out, at + i, real_get(x_type, x, x_at + i) + y[i]);
}

static void accumulate_row(RealType type, const Real *x, size_t at, float *out, int dim) {
    for (int i = 0; i < dim; i++)
        out[i] += real_get(type, x, at + i);
}

void cpu_embed_forward(Ops *ops, const EmbedForward *a) {
    if (ops->error || !cpu_check_ids(ops, "embed_forward", a->ids, a->batch, a->patches, a->keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const size_t at = (size_t)b * (1 + a->keep) * a->dim;
        add_row(REAL_FP32, a->cls, 0, a->pos, ops->type, a->out, at, a->dim);
        for (int j = 0; j < a->keep; j++)
            add_row(ops->type, a->x, ((size_t)b * a->keep + j) * a->dim,
                    a->pos + (size_t)(1 + a->ids[(size_t)b * a->patches + j]) * a->dim, ops->type, a->out,
                    at + (size_t)(1 + j) * a->dim, a->dim);
    }
}

static OpCost embed_cost(int batch, int keep, int dim, RealType type) {
    return cost_bytes((double)real_size(type) * batch * dim * (1 + 2.0 * keep));
}
OpCost cost_embed_forward(const EmbedForward *a, RealType type) {
    return embed_cost(a->batch, a->keep, a->dim, type);
}

void cpu_embed_backward(Ops *ops, const EmbedBackward *a) {
    if (ops->error || !cpu_check_ids(ops, "embed_backward", a->ids, a->batch, a->patches, a->keep))
        return;
    const size_t sample = (size_t)(1 + a->keep) * a->dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++)
        real_copy(ops->type, a->dout, b * sample + a->dim, a->dx, (size_t)b * a->keep * a->dim,
                  (size_t)a->keep * a->dim);
    if (!a->add) {
        memset(a->dcls, 0, a->dim * sizeof *a->dcls);
        if (a->dpos)
            memset(a->dpos, 0, (size_t)(1 + a->patches) * a->dim * sizeof *a->dpos);
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < a->dim; c += COLUMNS) {
        int width = (int)cpu_min(COLUMNS, a->dim - c);
        for (int b = 0; b < a->batch; b++) {
            const size_t at = b * sample + c;
            accumulate_row(ops->type, a->dout, at, a->dcls + c, width);
            if (!a->dpos)
                continue;
            accumulate_row(ops->type, a->dout, at, a->dpos + c, width);
            for (int j = 0; j < a->keep; j++)
                accumulate_row(ops->type, a->dout, at + (size_t)(1 + j) * a->dim,
                               a->dpos + (size_t)(1 + a->ids[(size_t)b * a->patches + j]) * a->dim + c, width);
        }
    }
}

OpCost cost_embed_backward(const EmbedBackward *a, RealType type) {
    return embed_cost(a->batch, a->keep, a->dim, type);
}

void cpu_restore_forward(Ops *ops, const RestoreForward *a) {
    if (ops->error || !cpu_check_ids(ops, "restore_forward", a->ids, a->batch, a->patches, a->keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const size_t from = (size_t)b * (1 + a->keep) * a->dim, to = (size_t)b * (1 + a->patches) * a->dim;
        add_row(ops->type, a->x, from, a->pos, ops->type, a->out, to, a->dim);
        for (int j = 0; j < a->patches; j++) {
            const size_t place = (size_t)(1 + a->ids[(size_t)b * a->patches + j]) * a->dim;
            const bool visible = j < a->keep;
            add_row(visible ? ops->type : REAL_FP32, visible ? a->x : a->mask_token,
                    visible ? from + (size_t)(1 + j) * a->dim : 0, a->pos + place, ops->type, a->out, to + place,
                    a->dim);
        }
    }
}

static OpCost restore_cost(int batch, int patches, int keep, int dim, RealType type) {
    return cost_bytes((double)real_size(type) * batch * dim * (2.0 + patches + keep));
}
OpCost cost_restore_forward(const RestoreForward *a, RealType type) {
    return restore_cost(a->batch, a->patches, a->keep, a->dim, type);
}

void cpu_restore_backward(Ops *ops, const RestoreBackward *a) {
    if (ops->error || !cpu_check_ids(ops, "restore_backward", a->ids, a->batch, a->patches, a->keep))
        return;
    const size_t sample = (size_t)(1 + a->patches) * a->dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const size_t to = (size_t)b * (1 + a->keep) * a->dim;
        real_copy(ops->type, a->dout, b * sample, a->dx, to, a->dim);
        for (int j = 0; j < a->keep; j++)
            real_copy(ops->type, a->dout, b * sample + (size_t)(1 + a->ids[(size_t)b * a->patches + j]) * a->dim, a->dx,
                      to + (size_t)(1 + j) * a->dim, a->dim);
    }
    if (!a->add)
        memset(a->dmask_token, 0, a->dim * sizeof *a->dmask_token);
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < a->dim; c += COLUMNS) {
        int width = (int)cpu_min(COLUMNS, a->dim - c);
        for (int b = 0; b < a->batch; b++) {
            /* A sample's sum first: the total has far fewer terms then, and a smaller error. */
            float total[COLUMNS] = {0};
            for (int j = a->keep; j < a->patches; j++)
                accumulate_row(ops->type, a->dout,
                               b * sample + (size_t)(1 + a->ids[(size_t)b * a->patches + j]) * a->dim + c, total,
                               width);
            accumulate_row(REAL_FP32, total, 0, a->dmask_token + c, width);
        }
    }
}

OpCost cost_restore_backward(const RestoreBackward *a, RealType type) {
    return restore_cost(a->batch, a->patches, a->keep, a->dim, type);
}

void cpu_pool_forward(Ops *ops, const PoolForward *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const int first = a->pool == POOL_CLS ? 0 : 1, end = a->pool == POOL_CLS ? 1 : a->tokens;
        const float kept = a->keep ? a->keep[b] : 1.0f;
        float *mean = a->y + (size_t)b * a->dim;
        memset(mean, 0, a->dim * sizeof *mean);
        for (int t = first; t < end; t++) {
            const size_t at = ((size_t)b * a->tokens + t) * a->dim;
            for (int i = 0; i < a->dim; i++)
                mean[i] += real_get(ops->type, a->x, at + i) +
                           (a->branch ? (a->scale ? kept * a->scale[i] : kept) * real_get(ops->type, a->branch, at + i)
                                      : 0.0f);
        }
        for (int i = 0; i < a->dim; i++)
            mean[i] /= (float)(end - first);
    }
}

/* The tokens that are seen, and their pool. */
OpCost cost_pool_forward(const PoolForward *a, RealType type) {
    const double seen = a->pool == POOL_CLS ? 1 : a->tokens - 1.0;
    return cost_bytes(((a->branch ? 2.0 : 1.0) * (double)real_size(type) * seen + sizeof(float)) * a->batch * a->dim);
}

void cpu_pool_backward(Ops *ops, const PoolBackward *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const size_t from = (size_t)b * a->dim, to = (size_t)b * a->tokens * a->dim;
        const int first = a->pool == POOL_CLS ? 0 : 1, end = a->pool == POOL_CLS ? 1 : a->tokens;
        real_clear(ops->type, a->dx, to, (size_t)a->tokens * a->dim);
        for (int t = first; t < end; t++)
            for (int i = 0; i < a->dim; i++)
                real_set(ops->type, a->dx, to + (size_t)t * a->dim + i, a->dy[from + i] / (float)(end - first));
    }
}

OpCost cost_pool_backward(const PoolBackward *a, RealType type) {
    return cost_bytes((double)real_size(type) * a->batch * a->dim * (1.0 + a->tokens));
}
