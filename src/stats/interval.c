/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/interval.h"
#include "stats/binary.h"
#include "stats/bootstrap.h"
#include "stats/distribution.h"
#include "stats/people.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(IntervalFigures, name, better, scale)
const Figure interval_figures[] = {INTERVAL_FIGURES(FIGURE_ROW){0}};

/* The rows whose label is known, in the order of the input. */
typedef struct {
    Binary binary;
    double *other;   /* [count]; NULL: none */
    int64_t *people; /* [count] */
    Ranking ranking, other_ranking;
    People who;
    double *misses, *other_misses; /* [count], a row's placement less the AUROC */
} Rows;

static void free_rows(Rows *r) {
    binary_free(&r->binary);
    ranking_free(&r->ranking);
    ranking_free(&r->other_ranking);
    people_free(&r->who);
    free(r->other);
    free(r->people);
    free(r->misses);
    free(r->other_misses);
}

static Status copy_known(const IntervalInput *in, Rows *r) {
    const size_t room = (size_t)(in->rows ? in->rows : 1);
    r->people = malloc(room * sizeof(int64_t));
    r->other = in->other ? malloc(room * sizeof(double)) : NULL;
    r->misses = malloc(room * sizeof(double));
    r->other_misses = malloc(room * sizeof(double));
    if (!r->people || (in->other && !r->other) || !r->misses || !r->other_misses)
        return status_no_memory("an interval", room * 4 * sizeof(double));
    int64_t count = 0;
    for (int64_t row = 0; row < in->rows; row++) {
        if (in->people[row] < 0)
            return status_error(EXIT_DATA,
                                "row %lld has the person %lld, who is not known: their rows cannot be told "
                                "from another's",
                                (long long)row, (long long)in->people[row]);
        if (isnan(in->labels[row]))
            continue;
        r->people[count] = in->people[row];
        if (in->other)
            r->other[count] = in->other[row];
        count++;
    }
    return NULL;
}

static Status open_rows(const IntervalInput *in, Rows *r) {
    TRY(binary_open(in->labels, in->scores, 1, in->rows, &r->binary));
    TRY(copy_known(in, r));
    TRY(ranking_open(r->binary.scores, 1, r->binary.count, &r->ranking));
    if (r->other)
        TRY(ranking_open(r->other, 1, r->binary.count, &r->other_ranking));
    return people_open(r->people, r->binary.positive, r->binary.count, &r->who);
}

static void measure_misses(const Rows *r, const Ranking *ranking, double auroc, double *misses) {
    ranking_placements(ranking, r->binary.positive, misses);
    for (int64_t i = 0; i < r->binary.count; i++)
        misses[i] -= auroc;
}

/* The square root of a variance; one of 0 says that there is no spread to learn from. */
static double standard_error(double variance) {
    return variance > 0 ? sqrt(variance) : NAN;
}

/* DeLong et al., Biometrics 1988: each row is somebody else. */
static double delong_error(const Rows *r) {
    const double positives = (double)r->binary.positives, negatives = (double)r->binary.count - positives;
    double squares[2] = {0};
    for (int64_t i = 0; i < r->binary.count; i++)
        squares[r->binary.positive[i]] += r->misses[i] * r->misses[i];
    return standard_error(squares[1] / (positives - 1) / positives + squares[0] / (negatives - 1) / negatives);
}

/* Obuchowski, Biometrics 1997: a person's misses are summed before they are squared, and a person with rows of both
 * classes adds a product. With one row a person this is DeLong's. */
static Status cluster_error(const Rows *r, const double *misses, double *error) {
    const int32_t people = r->who.count;
    double *sums = calloc((size_t)people * 2 + 1, sizeof *sums);
    if (!sums)
        return status_no_memory("sums of people", (size_t)people * 2 * sizeof *sums);
    double *of_positives = sums, *of_negatives = sums + people;
    for (int64_t i = 0; i < r->binary.count; i++)
        (r->binary.positive[i] ? of_positives : of_negatives)[r->who.person[i]] += misses[i];
    double squares[2] = {0}, products = 0;
    for (int32_t p = 0; p < people; p++) {
        squares[1] += of_positives[p] * of_positives[p];
        squares[0] += of_negatives[p] * of_negatives[p];
        products += of_positives[p] * of_negatives[p];
    }
    free(sums);
    const double positives = (double)r->binary.positives, negatives = (double)r->binary.count - positives;
    const double ill = r->who.with_positives, well = r->who.with_negatives, all = people;
    *error = standard_error(squares[1] * ill / (ill - 1) / (positives * positives) +
                            squares[0] * well / (well - 1) / (negatives * negatives) +
                            2 * products * all / (all - 1) / (positives * negatives));
    return NULL;
}

static bool is_between(double auroc) {
    return auroc > 0 && auroc < 1;
}

/* On the logit's scale, where the distribution is nearer to normal and the limits stay within 0 and 1. `values`, the
 * replicates, are overwritten. A replicate of 0 or 1, whose logit is infinite, counts as a quarter of a pair off it. */
static void measure_limits(const Rows *r, double *values, int count, IntervalFigures *f) {
    const double positives = (double)r->binary.positives, negatives = (double)r->binary.count - positives;
    const BootstrapInterval interval =
        bootstrap_interval(FIGURE_LOGIT, f->auroc, 1 / (4 * positives * negatives), values, count);
    f->bootstrap_se = interval.error;
    f->bootstrap_se_logit = interval.scale_error;
    f->low = interval.low;
    f->high = interval.high;
}

/* A bootstrap's replicate. */
static Status measure_replicate(const void *context, const int32_t *times, double *values) {
    const Rows *r = context;
    values[0] = ranking_auroc(&r->ranking, r->binary.positive, times);
    if (r->other)
        values[1] = ranking_auroc(&r->other_ranking, r->binary.positive, times);
    return NULL;
}

static void measure_difference(const double *aurocs, double *others, int count, IntervalFigures *f) {
    for (int i = 0; i < count; i++)
        others[i] -= aurocs[i];
    const BootstrapInterval interval = bootstrap_interval(FIGURE_PLAIN, f->difference, 0, others, count);
    f->difference_bootstrap_se = interval.error;
    f->difference_low = interval.low;
    f->difference_high = interval.high;
}

static Status measure_bootstrap(const IntervalInput *in, const Rows *r, IntervalFigures *f) {
    const size_t count = (size_t)in->bootstraps;
    double *values = malloc(2 * count * sizeof *values);
    if (!values)
        return status_no_memory("a bootstrap", 2 * count * sizeof *values);
    const Bootstrap bootstrap = {.people = r->people,
                                 .positive = r->binary.positive,
                                 .rows = r->binary.count,
                                 .replicates = in->bootstraps,
                                 .seed = in->seed,
                                 .threads = in->threads};
    Status status = bootstrap_run(&bootstrap, measure_replicate, r, r->other ? 2 : 1, values);
    if (!status && r->other)
        measure_difference(values, values + count, in->bootstraps, f);
    if (!status && is_between(f->auroc))
        measure_limits(r, values, in->bootstraps, f);
    free(values);
    return status;
}

static Status measure_rows(const IntervalInput *in, Rows *r, IntervalFigures *f) {
    f->auroc = ranking_auroc(&r->ranking, r->binary.positive, NULL);
    if (r->other) {
        f->auroc_other = ranking_auroc(&r->other_ranking, r->binary.positive, NULL);
        f->difference = f->auroc_other - f->auroc;
    }
    if (r->who.with_positives < 2 || r->who.with_negatives < 2)
        return NULL;
    measure_misses(r, &r->ranking, f->auroc, r->misses);
    if (is_between(f->auroc)) {
        f->delong_se = delong_error(r);
        TRY(cluster_error(r, r->misses, &f->cluster_se));
        f->design_effect = (f->cluster_se / f->delong_se) * (f->cluster_se / f->delong_se);
    }
    if (r->other) {
        measure_misses(r, &r->other_ranking, f->auroc_other, r->other_misses);
        for (int64_t i = 0; i < r->binary.count; i++)
            r->other_misses[i] -= r->misses[i];
        TRY(cluster_error(r, r->other_misses, &f->difference_cluster_se));
        f->difference_p = 2 * normal_above(fabs(f->difference) / f->difference_cluster_se);
    }
    return measure_bootstrap(in, r, f);
}

Status interval_measure(const IntervalInput *input, IntervalFigures *figures) {
    figures_clear(figures, interval_figures);
    if (input->bootstraps < 2)
        return status_error(EXIT_DATA, "%d bootstraps: a standard error needs at least 2", input->bootstraps);
    Rows r = {0};
    Status status = open_rows(input, &r);
    if (!status)
        status = measure_rows(input, &r, figures);
    free_rows(&r);
    return status;
}
