#include "cpu.h"

#include <string.h>

/* Columns that one piece of a sum over samples holds: two cache lines. */
enum { COLUMNS = 32 };

static void add_row(const float *x, const float *y, float *out, int dim) {
    for (int i = 0; i < dim; i++)
        out[i] = x[i] + y[i];
}

static void accumulate(const float *x, float *out, int dim) {
    for (int i = 0; i < dim; i++)
        out[i] += x[i];
}

void cpu_embed_forward(Ops *ops, const float *x, const float *cls, const float *pos, const int32_t *ids, float *out,
                       int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "embed_forward", ids, batch, patches, keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        float *o = out + (size_t)b * (1 + keep) * dim;
        add_row(cls, pos, o, dim);
        for (int j = 0; j < keep; j++)
            add_row(x + ((size_t)b * keep + j) * dim, pos + (size_t)(1 + ids[(size_t)b * patches + j]) * dim,
                    o + (size_t)(1 + j) * dim, dim);
    }
}

void cpu_embed_backward(Ops *ops, const float *dout, const int32_t *ids, float *dx, float *dcls, float *dpos, bool add,
                        int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "embed_backward", ids, batch, patches, keep))
        return;
    const size_t sample = (size_t)(1 + keep) * dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++)
        memcpy(dx + (size_t)b * keep * dim, dout + b * sample + dim, (size_t)keep * dim * sizeof *dx);
    if (!add) {
        memset(dcls, 0, dim * sizeof *dcls);
        if (dpos)
            memset(dpos, 0, (size_t)(1 + patches) * dim * sizeof *dpos);
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int c = 0; c < dim; c += COLUMNS) {
        int width = (int)cpu_min(COLUMNS, dim - c);
        for (int b = 0; b < batch; b++) {
            const float *d = dout + b * sample + c;
            accumulate(d, dcls + c, width);
            if (!dpos)
                continue;
            accumulate(d, dpos + c, width);
            for (int j = 0; j < keep; j++)
                accumulate(d + (size_t)(1 + j) * dim, dpos + (size_t)(1 + ids[(size_t)b * patches + j]) * dim + c,
                           width);
        }
    }
}

void cpu_restore_forward(Ops *ops, const float *x, const float *mask_token, const float *pos, const int32_t *ids,
                         float *out, int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "restore_forward", ids, batch, patches, keep))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        const float *from = x + (size_t)b * (1 + keep) * dim;
        float *to = out + (size_t)b * (1 + patches) * dim;
        add_row(from, pos, to, dim);
        for (int j = 0; j < patches; j++) {
            size_t place = (size_t)(1 + ids[(size_t)b * patches + j]) * dim;
            add_row(j < keep ? from + (size_t)(1 + j) * dim : mask_token, pos + place, to + place, dim);
        }
    }
}

void cpu_restore_backward(Ops *ops, const float *dout, const int32_t *ids, float *dx, float *dmask_token, bool add,
                          int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "restore_backward", ids, batch, patches, keep))
        return;
    const size_t sample = (size_t)(1 + patches) * dim;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        float *to = dx + (size_t)b * (1 + keep) * dim;
        memcpy(to, dout + b * sample, dim * sizeof *to);
        for (int j = 0; j < keep; j++)
            memcpy(to + (size_t)(1 + j) * dim, dout + b * sample + (size_t)(1 + ids[(size_t)b * patches + j]) * dim,
                   dim * sizeof *to);
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
                accumulate(dout + b * sample + (size_t)(1 + ids[(size_t)b * patches + j]) * dim + c, total, width);
            accumulate(total, dmask_token + c, width);
        }
    }
}

void cpu_pool_forward(Ops *ops, const float *x, float *y, int batch, int tokens, int dim) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        float *mean = y + (size_t)b * dim;
        memset(mean, 0, dim * sizeof *mean);
        for (int t = 1; t < tokens; t++)
            accumulate(x + ((size_t)b * tokens + t) * dim, mean, dim);
        for (int i = 0; i < dim; i++)
            mean[i] /= tokens - 1;
    }
}

void cpu_pool_backward(Ops *ops, const float *dy, float *dx, int batch, int tokens, int dim) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < batch; b++) {
        float *d = dx + (size_t)b * tokens * dim;
        memset(d, 0, dim * sizeof *d);
        for (int t = 1; t < tokens; t++)
            for (int i = 0; i < dim; i++)
                d[(size_t)t * dim + i] = dy[(size_t)b * dim + i] / (tokens - 1);
    }
}
