/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>

enum { ROWS = 16 }; /* that are worth a partial sum */

/* dbranch = k scale dx; dscale (NULL: not needed) += k branch dx. */
WIDE static void scale_row(const float *dx, const float *branch, const float *scale, float k, float *dbranch,
                           float *dscale, int dim) {
    for (int i = 0; i < dim && dscale; i++)
        dscale[i] += k * branch[i] * dx[i];
    for (int i = 0; i < dim; i++)
        dbranch[i] = (scale ? k * scale[i] : k) * dx[i];
}

void cpu_branch_backward(Ops *ops, const BranchBackward *a) {
    ThreadScratch scratch;
    if (ops->error || !scratch_open(&scratch, ops, "branch_backward's rows", 3 * (size_t)a->dim))
        return;
    const RealType type = ops->type;
    const int part = (int)cpu_part(a->rows, ROWS), count = (a->rows + part - 1) / part;
    const size_t dim = (size_t)a->dim;
    float *parts = calloc(count * dim + 1, sizeof *parts);
    if (!parts) {
        cpu_fail(ops, status_no_memory("branch_backward's partial sums", count * dim * sizeof *parts));
        scratch_close(&scratch);
        return;
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < count; p++)
        for (int r = p * part; r < a->rows && r < (p + 1) * part; r++) {
            const size_t at = r * dim;
            float *to = real_target(type, a->dbranch, at, scratch_at(&scratch, 2 * dim));
            scale_row(real_read(type, a->dx, at, dim, scratch_at(&scratch, 0)),
                      a->dscale ? real_read(type, a->branch, at, dim, scratch_at(&scratch, dim)) : NULL, a->scale,
                      a->keep ? a->keep[r / a->rows_per_sample] : 1.0f, to, a->dscale ? parts + p * dim : NULL, a->dim);
            real_store(type, to, a->dbranch, at, dim);
        }
    for (size_t i = 0; i < dim && a->dscale; i++) {
        float total = a->add ? a->dscale[i] : 0.0f;
        for (int p = 0; p < count; p++)
            total += parts[p * dim + i];
        a->dscale[i] = total;
    }
    free(parts);
    scratch_close(&scratch);
}

OpCost cost_branch_backward(const BranchBackward *a, RealType type) {
    return cost_bytes((a->dscale ? 3.0 : 2.0) * (double)real_size(type) * a->rows * a->dim);
}
