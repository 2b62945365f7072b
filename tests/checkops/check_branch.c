/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <math.h>

typedef struct {
    int rows, dim, per_sample;
    double *branch, *scale, *keep; /* scale, keep NULL: none */
    const float *dx;
} Branch;

static double scale_of(const Branch *b, int row, int column) {
    return (b->keep ? b->keep[row / b->per_sample] : 1) * (b->scale ? b->scale[column] : 1);
}

/* What the sum gets from the branch, times the sum's gradient. */
static double branch_loss(const void *context) {
    const Branch *b = context;
    double sum = 0;
    for (int r = 0; r < b->rows; r++)
        for (int i = 0; i < b->dim; i++) {
            const size_t at = (size_t)r * b->dim + i;
            sum += scale_of(b, r, i) * b->branch[at] * b->dx[at];
        }
    return sum;
}

void check_branch_backward(Check *check) {
    enum { SCALE, KEEP, ADD, WIDTH, BRANCH_OPTIONS };
    enum { SCALE_NONE, SCALE_ALONE, SCALE_SUMMED, SCALES };
    /* Any width; whole packs; more columns than a block has, one pack a thread; rows that no norm holds. */
    static const int dims[] = {0, 192, 2080, 2051};
    static const Options known = {
        .count = BRANCH_OPTIONS,
        .levels = {[SCALE] = SCALES, [KEEP] = 2, [ADD] = 2, [WIDTH] = sizeof dims / sizeof *dims}};
    int options[BRANCH_OPTIONS];
    check_options(check, &known, options);
    Branch b = {.dim = dims[options[WIDTH]], .per_sample = check_between(check, 1, 7)};
    b.rows = b.per_sample * check_between(check, check->round == 0 ? 0 : 1, b.dim ? 5 : 40);
    if (!b.dim)
        b.dim = check_between(check, 1, 70);
    const bool scaled = options[SCALE] != SCALE_NONE, dropped = options[KEEP], add = options[ADD];
    check_shape(check, "rows=%d dim=%d scale=%d keep=%d add=%d", b.rows, b.dim, options[SCALE], dropped, add);
    const size_t count = (size_t)b.rows * b.dim, samples = (size_t)b.rows / b.per_sample;
    float *dx = check_reals(check, "dx", BUFFER_INPUT, count, 1);
    float *branch = check_reals(check, "branch", BUFFER_INPUT, count, 1);
    float *scale = scaled ? check_floats(check, "scale", BUFFER_INPUT, b.dim, 1) : NULL;
    float *keep = dropped ? check_floats(check, "keep", BUFFER_INPUT, samples, 1) : NULL;
    for (size_t i = 0; i < samples && dropped; i++)
        keep[i] = check_coin(check) ? 1.25f : 0;
    float *dbranch = check_real_output(check, "dbranch", count);
    const BufferKind kind = add ? BUFFER_BOTH : BUFFER_OUTPUT;
    float *dscale = options[SCALE] == SCALE_SUMMED ? check_floats(check, "dscale", kind, b.dim, 1) : NULL;
    b.dx = dx;
    b.branch = check_copy(check, branch, count);
    b.scale = scaled ? check_copy(check, scale, b.dim) : NULL;
    b.keep = dropped ? check_copy(check, keep, samples) : NULL;
    double *want = check_numbers(check, count), *want_scale = check_numbers(check, b.dim);
    double *bound = check_numbers(check, b.dim);
    for (int i = 0; i < b.dim && dscale && add; i++)
        want_scale[i] = dscale[i];
    for (int r = 0; r < b.rows; r++)
        for (int i = 0; i < b.dim; i++) {
            const size_t at = (size_t)r * b.dim + i;
            const double share = (b.keep ? b.keep[r / b.per_sample] : 1) * b.branch[at] * dx[at];
            want[at] = scale_of(&b, r, i) * dx[at];
            want_scale[i] += share;
            bound[i] += ROUNDING * (fabs(share) + fabs(want_scale[i])); /* each addition's */
        }
    RUN(check)
    check->ops.branch_backward(&check->ops, &(BranchBackward){.dx = AT(dx),
                                                              .branch = AT(dscale ? branch : NULL),
                                                              .scale = AT(scale),
                                                              .keep = AT(keep),
                                                              .rows_per_sample = b.per_sample,
                                                              .dbranch = AT(dbranch),
                                                              .dscale = AT(dscale),
                                                              .add = add,
                                                              .rows = b.rows,
                                                              .dim = b.dim});
    check_near(check, "dbranch", dbranch, want, 3 * ROUNDING, count); /* three products */
    if (dscale)
        for (int i = 0; i < b.dim; i++)
            check_scalar(check, "dscale", dscale[i], want_scale[i], 4 * bound[i] + 4 * ROUNDING * fabs(want_scale[i]));
    check_slopes(check, "dbranch", dbranch, b.branch, count, branch_loss, &b);
    if (dscale && !add)
        check_slopes(check, "dscale", dscale, b.scale, b.dim, branch_loss, &b);
}
