/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <math.h>
#include <string.h>

typedef struct {
    int rows, dim, per_sample;
    double eps;
    double *x, *branch, *scale, *keep, *weight, *bias; /* branch, scale, keep may be NULL */
    double *sum, *y, *mean, *rstd;                     /* results */
    const float *dy, *dsum;                            /* dsum may be NULL */
} Norm;

static void forward_norm(const Norm *n) {
    for (int r = 0; r < n->rows; r++) {
        const size_t at = (size_t)r * n->dim;
        double mean = 0, variance = 0;
        for (int i = 0; i < n->dim; i++) {
            double branch = n->branch ? n->branch[at + i] : 0;
            branch *= (n->scale ? n->scale[i] : 1) * (n->keep ? n->keep[r / n->per_sample] : 1);
            n->sum[at + i] = n->x[at + i] + branch;
            mean += n->sum[at + i] / n->dim;
        }
        for (int i = 0; i < n->dim; i++)
            variance += (n->sum[at + i] - mean) * (n->sum[at + i] - mean) / n->dim;
        n->mean[r] = mean;
        n->rstd[r] = 1 / sqrt(variance + n->eps);
        for (int i = 0; i < n->dim; i++)
            n->y[at + i] = (n->sum[at + i] - mean) * n->rstd[r] * n->weight[i] + n->bias[i];
    }
}

/* A branch, with its scale, dropped samples, or both. */
enum { BRANCH_NONE, BRANCH_PLAIN, BRANCH_SCALED, BRANCH_DROPPED, BRANCH_BOTH, BRANCHES };

static bool is_scaled(int branch) {
    return branch == BRANCH_SCALED || branch == BRANCH_BOTH;
}

static bool is_dropped(int branch) {
    return branch == BRANCH_DROPPED || branch == BRANCH_BOTH;
}

/* Each has kernels of its own: widths that are no multiple of anything; the models' and their like; longer than fits a
 * block's registers. */
enum { WIDTH_ANY, WIDTH_MODEL, WIDTH_LONG, WIDTHS };

static Norm draw_norm(Check *check, int width) {
    static const int dims[] = {1280, 256, 2048, 192, 384, 512, 768, 1024, 1536};
    Norm n = {.per_sample = check_between(check, 1, 20), .eps = 1e-6};
    n.rows = n.per_sample * check_between(check, 1, 12);
    n.dim = check_between(check, 2, 300);
    if (check->round % 2) /* an odd number of rows */
        n.per_sample |= 1, n.rows = n.per_sample * (2 * check_between(check, 0, 5) + 1);
    if (width != WIDTH_ANY) {
        n.dim = width == WIDTH_LONG ? check_coin(check) ? 2400 : 2049
                                    : dims[check->round % (int)(sizeof dims / sizeof *dims)];
        n.rows = n.per_sample * (check->round % 2 ? 1 : check_between(check, 1, 1 + 20 / n.per_sample));
    }
    if (check->round == 0)
        n.rows = 0;
    if (check->round == ROUNDS - 3) /* more rows than the smallest parts hold, which are then rounded up to fours */
        n.rows = 2220, n.per_sample = 30, n.dim = 3;
    if (check->round == ROUNDS - 2)
        n.dim = 1;
    if (check->round == ROUNDS - 1)
        n.rows = n.per_sample = 1, n.dim = 2;
    return n;
}

static void allocate_results(Check *check, Norm *n) {
    const size_t count = (size_t)n->rows * n->dim;
    n->sum = check_numbers(check, count);
    n->y = check_numbers(check, count);
    n->mean = check_numbers(check, n->rows);
    n->rstd = check_numbers(check, n->rows);
}

static double largest_value(const double *x, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* The norm sees the sum as it is stored: each value errs by a rounding to BF16 of the row's largest, and so does the
 * mean, at most; relative to the deviation, the error reaches rstd and y, and the deviation may be much smaller. */
static void allow_rounded_sums(Check *check, const Norm *n, const float *y, const float *mean, const float *rstd) {
    const size_t count = (size_t)n->rows * n->dim;
    const double error = 0x1p-8 * largest_value(n->sum, count), deviations = error * largest_value(n->rstd, n->rows);
    check_tolerance(check, mean, 0, error / largest_value(n->mean, n->rows));
    check_tolerance(check, rstd, 0, 2 * deviations);
    check_tolerance(check, y, 0,
                    0x1p-8 + 2 * deviations * largest_value(n->weight, n->dim) / largest_value(n->y, count));
}

/* RESULT: what there is beside the sum. VALUES: such that eps weighs as much as the variance; a mean far from zero. */
enum { FORWARD_BRANCH, FORWARD_RESULT, FORWARD_IN_PLACE, FORWARD_WIDTH, FORWARD_VALUES, FORWARD_OPTIONS };
enum { RESULT_Y, RESULT_CODES, RESULT_NONE, RESULTS };
enum { VALUES_ORDINARY, VALUES_SMALL, VALUES_FAR, VALUES };
static const Options forward_options = {.count = FORWARD_OPTIONS,
                                        .levels = {[FORWARD_BRANCH] = BRANCHES,
                                                   [FORWARD_RESULT] = RESULTS,
                                                   [FORWARD_IN_PLACE] = 2,
                                                   [FORWARD_WIDTH] = WIDTHS,
                                                   [FORWARD_VALUES] = VALUES},
                                        .never = {{FORWARD_BRANCH, BRANCH_NONE, FORWARD_RESULT, RESULT_NONE},
                                                  {FORWARD_BRANCH, BRANCH_NONE, FORWARD_IN_PLACE, 1}}};

static void compare_forward(Check *check, Norm n, const int options[FORWARD_OPTIONS]) {
    const size_t count = (size_t)n.rows * n.dim;
    const bool branched = options[FORWARD_BRANCH] != BRANCH_NONE, scaled = is_scaled(options[FORWARD_BRANCH]);
    const bool dropped = is_dropped(options[FORWARD_BRANCH]), in_place = options[FORWARD_IN_PLACE];
    const bool normed = options[FORWARD_RESULT] != RESULT_NONE;
    CodesKind kind = check_coin(check) ? CODES_COUNTED : CODES_SEEN;
    if (options[FORWARD_RESULT] != RESULT_CODES)
        kind = CODES_NONE;
    check_shape(check, "rows=%d dim=%d branch=%d scale=%d keep=%d y=%d codes=%d in place=%d", n.rows, n.dim, branched,
                scaled, dropped, normed, kind, in_place);
    const double deviation = options[FORWARD_VALUES] == VALUES_SMALL ? 1e-3 : 2;
    float *x = check_reals(check, "x", in_place ? BUFFER_BOTH : BUFFER_INPUT, count, deviation);
    float *branch = check_reals(check, "branch", BUFFER_INPUT, count, deviation / 2);
    float *scale = check_floats(check, "scale", BUFFER_INPUT, n.dim, 1);
    float *keep = check_floats(check, "keep", BUFFER_INPUT, n.rows / n.per_sample, 1);
    float *weight = check_floats(check, "weight", BUFFER_INPUT, n.dim, 1);
    float *bias = check_floats(check, "bias", BUFFER_INPUT, n.dim, 1);
    for (size_t i = 0; i < count && options[FORWARD_VALUES] == VALUES_FAR; i++)
        x[i] += 10;
    n.x = check_copy(check, x, count);
    n.branch = branched ? check_copy(check, branch, count) : NULL;
    n.scale = scaled ? check_copy(check, scale, n.dim) : NULL;
    n.keep = dropped ? check_copy(check, keep, n.rows / n.per_sample) : NULL;
    n.weight = check_copy(check, weight, n.dim);
    n.bias = check_copy(check, bias, n.dim);
    n.eps = (float)n.eps;
    allocate_results(check, &n);
    forward_norm(&n);
    float *sum = in_place ? x : branched ? check_real_output(check, "sum", count) : NULL;
    float *y = normed ? check_real_output(check, "y", count) : NULL;
    float *mean = normed ? check_float_output(check, "mean", n.rows) : NULL;
    float *rstd = normed ? check_float_output(check, "rstd", n.rows) : NULL;
    if (branched && normed)
        allow_rounded_sums(check, &n, y, mean, rstd);
    Codes codes = check_codes(check, kind, count);
    /* With codes and without, so that every round has both; what is in place can be had once only. */
    float *again = codes.y && !in_place ? check_real_output(check, "y with codes", count) : NULL;
    if (again && branched)
        allow_rounded_sums(check, &n, again, mean, rstd);
    RUN(check) {
        check->ops.norm_forward(&check->ops, &(NormForward){.x = AT(x),
                                                            .branch = AT(branched ? branch : NULL),
                                                            .scale = AT(scaled ? scale : NULL),
                                                            .keep = AT(dropped ? keep : NULL),
                                                            .rows_per_sample = n.per_sample,
                                                            .weight = AT(normed ? weight : NULL),
                                                            .bias = AT(normed ? bias : NULL),
                                                            .eps = (float)n.eps,
                                                            .sum = AT(sum),
                                                            .y = AT(y),
                                                            .mean = AT(mean),
                                                            .rstd = AT(rstd),
                                                            .rows = n.rows,
                                                            .dim = n.dim,
                                                            .codes = again ? NULL : check_codes_at(check, &codes)});
        if (again)
            check->ops.norm_forward(&check->ops, &(NormForward){.x = AT(x),
                                                                .branch = AT(branched ? branch : NULL),
                                                                .scale = AT(scaled ? scale : NULL),
                                                                .keep = AT(dropped ? keep : NULL),
                                                                .rows_per_sample = n.per_sample,
                                                                .weight = AT(weight),
                                                                .bias = AT(bias),
                                                                .eps = (float)n.eps,
                                                                .sum = AT(sum),
                                                                .y = AT(again),
                                                                .mean = AT(mean),
                                                                .rstd = AT(rstd),
                                                                .rows = n.rows,
                                                                .dim = n.dim,
                                                                .codes = check_codes_at(check, &codes)});
    }
    check_codes_of(check, &codes, again ? again : y, count);
    if (again)
        EACH(check)
    for (size_t i = 0; i < count; i++)
        if (again[i] != y[i])
            check_fail(check, "with codes y[%zu] is %.9g, without %.9g", i, again[i], y[i]);
    double *bound = check_numbers(check, count);
    for (size_t i = 0; i < count; i++)
        bound[i] = 3 * ROUNDING * (fabs(n.x[i]) + fabs(n.sum[i] - n.x[i])); /* two products and a sum */
    if (branched)
        check_bounds(check, "sum", sum, n.sum, bound, count);
    if (!normed)
        return;
    /* Mean, variance and differences each err by some roundings of the largest value in the row, divided by the
     * standard deviation; the sums' errors grow as the square root of dim, below 20. */
    double *bound_mean = check_numbers(check, n.rows), *bound_rstd = check_numbers(check, n.rows);
    for (int r = 0; r < n.rows; r++) {
        double size = 0;
        for (int i = 0; i < n.dim; i++)
            size = fmax(size, fabs(n.sum[(size_t)r * n.dim + i]));
        bound_mean[r] = 20 * ROUNDING * size;
        bound_rstd[r] = 20 * ROUNDING * n.rstd[r] * (1 + size * n.rstd[r]);
        for (int i = 0; i < n.dim; i++)
            bound[(size_t)r * n.dim + i] = 20 * ROUNDING * (1 + size * n.rstd[r]) *
                                           (1 + fabs(n.y[(size_t)r * n.dim + i])) * (1 + fabs(n.weight[i]));
    }
    check_bounds(check, "y", y, n.y, bound, count);
    check_bounds(check, "mean", mean, n.mean, bound_mean, n.rows);
    check_bounds(check, "rstd", rstd, n.rstd, bound_rstd, n.rows);
}

void check_norm_forward(Check *check) {
    int options[FORWARD_OPTIONS];
    check_options(check, &forward_options, options);
    compare_forward(check, draw_norm(check, options[FORWARD_WIDTH]), options);
}

/* Each width that has a kernel of its own, with all that its rows may come with. */
void check_norm_widths(Check *check) {
    /* Rows that fill a kernel's registers, and that do not. */
    static const int dims[] = {192, 256, 384, 512, 520, 768, 1000, 1024, 1160, 1280, 1800, 2048};
    static const int results[][2] = {{BRANCH_NONE, RESULT_Y},       {BRANCH_NONE, RESULT_CODES},
                                     {BRANCH_BOTH, RESULT_Y},       {BRANCH_BOTH, RESULT_CODES},
                                     {BRANCH_DROPPED, RESULT_NONE}, {BRANCH_DROPPED, RESULT_CODES}};
    check_once(check);
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        for (size_t r = 0; r < sizeof results / sizeof *results; r++) {
            const Norm n = {.rows = 2, .dim = dims[i], .per_sample = 1, .eps = 1e-6};
            compare_forward(check, n, (const int[FORWARD_OPTIONS]){results[r][0], results[r][1]});
            check_free(check);
        }
}

/* dx of the whole, and what follows from it; naive, from the formula. */
static void backward_norm(const Norm *n, double *dx, double *dbranch, double *dweight, double *dbias, double *dscale) {
    for (int r = 0; r < n->rows; r++) {
        const size_t at = (size_t)r * n->dim;
        const double keep = n->keep ? n->keep[r / n->per_sample] : 1;
        double total = 0, product = 0;
        for (int i = 0; i < n->dim; i++) {
            double z = (n->sum[at + i] - n->mean[r]) * n->rstd[r], g = n->dy[at + i] * n->weight[i];
            total += g / n->dim;
            product += g * z / n->dim;
            dweight[i] += n->dy[at + i] * z;
            dbias[i] += n->dy[at + i];
        }
        for (int i = 0; i < n->dim; i++) {
            double z = (n->sum[at + i] - n->mean[r]) * n->rstd[r], g = n->dy[at + i] * n->weight[i];
            dx[at + i] = (n->dsum ? n->dsum[at + i] : 0) + n->rstd[r] * (g - total - z * product);
            dbranch[at + i] = keep * (n->scale ? n->scale[i] : 1) * dx[at + i];
            if (n->branch)
                dscale[i] += keep * n->branch[at + i] * dx[at + i];
        }
    }
}

static double norm_loss(const void *context) {
    const Norm *n = context;
    const size_t count = (size_t)n->rows * n->dim;
    forward_norm(n);
    return check_dot(n->y, n->dy, count) + (n->dsum ? check_dot(n->sum, n->dsum, count) : 0);
}

enum { BACKWARD_BRANCH, BACKWARD_RESIDUAL, BACKWARD_ADD, BACKWARD_CODES, BACKWARD_WIDTH, BACKWARD_OPTIONS };
enum { RESIDUAL_NONE, RESIDUAL_APART, RESIDUAL_IN_PLACE, RESIDUALS };
static const Options backward_options = {.count = BACKWARD_OPTIONS,
                                         .levels = {[BACKWARD_BRANCH] = BRANCHES,
                                                    [BACKWARD_RESIDUAL] = RESIDUALS,
                                                    [BACKWARD_ADD] = 2,
                                                    [BACKWARD_CODES] = CODES_KINDS,
                                                    [BACKWARD_WIDTH] = WIDTHS}};

void check_norm_backward(Check *check) {
    int options[BACKWARD_OPTIONS];
    check_options(check, &backward_options, options);
    Norm n = draw_norm(check, options[BACKWARD_WIDTH]);
    const size_t count = (size_t)n.rows * n.dim;
    if (n.dim < 4)
        n.eps = 0.1; /* two values normalised are +-1 whatever they are: no slope to compare */
    const bool branched = options[BACKWARD_BRANCH] != BRANCH_NONE, scaled = is_scaled(options[BACKWARD_BRANCH]);
    const bool dropped = is_dropped(options[BACKWARD_BRANCH]), add = options[BACKWARD_ADD];
    /* The norm of a single value is its bias, whatever the value: without dsum the exact dx is 0, and what is computed
     * is the rounding of dy * weight, which no bound relative to dx allows. */
    const bool residual = options[BACKWARD_RESIDUAL] != RESIDUAL_NONE || n.dim == 1;
    const bool in_place = options[BACKWARD_RESIDUAL] == RESIDUAL_IN_PLACE;
    check_shape(check, "rows=%d dim=%d branch=%d scale=%d keep=%d dsum=%d add=%d codes=%d in place=%d", n.rows, n.dim,
                branched, scaled, dropped, residual, add, options[BACKWARD_CODES], in_place);
    const BufferKind kind = add ? BUFFER_BOTH : BUFFER_OUTPUT;
    float *dy = check_reals(check, "dy", BUFFER_INPUT, count, 1);
    float *dsum = check_reals(check, "dsum", in_place ? BUFFER_BOTH : BUFFER_INPUT, count, 1);
    float *x = check_reals(check, "x", BUFFER_INPUT, count, 1);
    float *branch = check_reals(check, "branch", BUFFER_INPUT, count, 1);
    float *scale = check_floats(check, "scale", BUFFER_INPUT, n.dim, 1);
    float *keep = check_floats(check, "keep", BUFFER_INPUT, n.rows / n.per_sample, 1);
    float *weight = check_floats(check, "weight", BUFFER_INPUT, n.dim, 1);
    float *sum = check_reals(check, "sum", BUFFER_INPUT, count, 1);
    float *mean = check_floats(check, "mean", BUFFER_INPUT, n.rows, 1);
    float *rstd = check_floats(check, "rstd", BUFFER_INPUT, n.rows, 1);
    float *dx = in_place ? dsum : check_real_output(check, "dx", count);
    float *dbranch = scaled || dropped ? check_real_output(check, "dbranch", count) : NULL;
    float *dweight = check_floats(check, "dweight", kind, n.dim, 1);
    float *dbias = check_floats(check, "dbias", kind, n.dim, 1);
    float *dscale = scaled ? check_floats(check, "dscale", kind, n.dim, 1) : NULL;
    n.x = check_copy(check, x, count);
    n.branch = branched ? check_copy(check, branch, count) : NULL;
    n.scale = scaled ? check_copy(check, scale, n.dim) : NULL;
    n.keep = dropped ? check_copy(check, keep, n.rows / n.per_sample) : NULL;
    n.weight = check_copy(check, weight, n.dim);
    n.bias = check_numbers(check, n.dim);
    n.dy = dy;
    allocate_results(check, &n);
    forward_norm(&n);
    for (size_t i = 0; i < count; i++)
        sum[i] = (float)n.sum[i];
    for (int r = 0; r < n.rows; r++)
        mean[r] = (float)n.mean[r], rstd[r] = (float)n.rstd[r];
    /* dx may overwrite dsum. */
    float *residual_kept = check_buffer(check, "residual", BUFFER_INPUT, BUFFER_REAL, count);
    memcpy(residual_kept, dsum, count * sizeof *dsum);
    n.dsum = residual ? residual_kept : NULL;
    double *want_dweight = check_copy(check, dweight, n.dim), *want_dbias = check_copy(check, dbias, n.dim);
    double *want_dscale = dscale ? check_copy(check, dscale, n.dim) : check_numbers(check, n.dim);
    double *want_dx = check_numbers(check, count), *want_dbranch = check_numbers(check, count);
    if (!add)
        for (int i = 0; i < n.dim; i++)
            want_dweight[i] = want_dbias[i] = want_dscale[i] = 0;
    backward_norm(&n, want_dx, want_dbranch, want_dweight, want_dbias, want_dscale);
    /* Both of dx, which is rounded first. */
    check_tolerance(check, dbranch, 0, 0x1p-7);
    check_tolerance(check, dscale, 0, 0x1p-7);
    Codes codes = check_codes(check, options[BACKWARD_CODES], count);
    RUN(check)
    check->ops.norm_backward(&check->ops, &(NormBackward){.dy = AT(dy),
                                                          .dsum = AT(residual ? dsum : NULL),
                                                          .sum = AT(sum),
                                                          .mean = AT(mean),
                                                          .rstd = AT(rstd),
                                                          .weight = AT(weight),
                                                          .branch = AT(branched ? branch : NULL),
                                                          .scale = AT(scaled ? scale : NULL),
                                                          .keep = AT(dropped ? keep : NULL),
                                                          .rows_per_sample = n.per_sample,
                                                          .dx = AT(dx),
                                                          .dbranch = AT(dbranch),
                                                          .dweight = AT(dweight),
                                                          .dbias = AT(dbias),
                                                          .dscale = AT(dscale),
                                                          .add = add,
                                                          .rows = n.rows,
                                                          .dim = n.dim,
                                                          .codes = check_codes_at(check, &codes)});
    check_codes_of(check, &codes, dx, count);
    /* The inputs sum, mean and rstd are rounded: z errs by some roundings times |z| < 6 and rstd; sums over rows grow
     * the largest gradient as the square root of their number, their errors too. */
    const double relative = 100 * ROUNDING;
    check_near(check, "dx", dx, want_dx, relative, count);
    if (dbranch)
        check_near(check, "dbranch", dbranch, want_dbranch, relative, count);
    check_near(check, "dweight", dweight, want_dweight, relative, n.dim);
    check_near(check, "dbias", dbias, want_dbias, relative, n.dim);
    if (dscale)
        check_near(check, "dscale", dscale, want_dscale, relative, n.dim);
    if (add)
        return;
    check_slopes(check, "dx", dx, n.x, count, norm_loss, &n);
    check_slopes(check, "dweight", dweight, n.weight, n.dim, norm_loss, &n);
    check_slopes(check, "dbias", dbias, n.bias, n.dim, norm_loss, &n);
    if (dbranch)
        check_slopes(check, "dbranch", dbranch, n.branch, count, norm_loss, &n);
    if (dscale)
        check_slopes(check, "dscale", dscale, n.scale, n.dim, norm_loss, &n);
}
