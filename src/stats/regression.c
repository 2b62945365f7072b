/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/regression.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(RegressionFigures, name, better, scale)
const Figure regression_figures[] = {REGRESSION_FIGURES(FIGURE_ROW){0}};

/* The rows with a label. */
struct Regression {
    double *labels, *predictions; /* [count] */
    int64_t *source;              /* [count], their numbers in the input */
    int64_t count;
    Ranking label_ranking, prediction_ranking;
};

/* The rows, counted in one way. */
typedef struct {
    const Regression *of;
    int32_t *times; /* [count]; NULL: each once */
    int64_t rows;
    double *label_ranks, *prediction_ranks; /* [count] */
} Count;

static int32_t weight_of(const Count *count, int64_t i) {
    return count->times ? count->times[i] : 1;
}

/* Sums of squares and of products about the means. Of a list whose values are all equal they are exactly 0: rounding
 * in the mean must not make a spread of nothing. */
typedef struct {
    double mean_x, mean_y, xx, yy, xy;
} Moments;

static double mean_of(const Count *r, const double *values) {
    double sum = 0, first = NAN;
    bool constant = true;
    for (int64_t i = 0; i < r->of->count; i++) {
        const int32_t weight = weight_of(r, i);
        if (!weight)
            continue;
        if (isnan(first))
            first = values[i];
        constant &= values[i] == first;
        sum += weight * values[i];
    }
    return constant ? first : sum / (double)r->rows;
}

static Moments take_moments(const Count *r, const double *x, const double *y) {
    Moments m = {.mean_x = mean_of(r, x), .mean_y = mean_of(r, y)};
    for (int64_t i = 0; i < r->of->count; i++) {
        const double dx = x[i] - m.mean_x, dy = y[i] - m.mean_y, weight = weight_of(r, i);
        m.xx += weight * (dx * dx);
        m.yy += weight * (dy * dy);
        m.xy += weight * (dx * dy);
    }
    return m;
}

/* Rounding may carry a perfect correlation past 1. */
static double correlation(const Moments *m) {
    return m->xx > 0 && m->yy > 0 ? fmin(fmax(m->xy / sqrt(m->xx) / sqrt(m->yy), -1), 1) : NAN;
}

static void measure_count(const Count *r, RegressionFigures *f) {
    double absolute = 0, squared = 0;
    for (int64_t i = 0; i < r->of->count; i++) {
        const double miss = r->of->predictions[i] - r->of->labels[i], weight = weight_of(r, i);
        absolute += weight * fabs(miss);
        squared += weight * (miss * miss);
    }
    f->mae = absolute / (double)r->rows;
    f->rmse = sqrt(squared / (double)r->rows);
    const Moments m = take_moments(r, r->of->predictions, r->of->labels);
    f->pearson = correlation(&m);
    if (m.yy > 0) {
        f->r2 = 1 - squared / m.yy;
        f->spread = sqrt(m.xx / m.yy);
    }
    if (m.xx > 0) {
        f->calibration_slope = m.xy / m.xx;
        f->calibration_intercept = m.mean_y - f->calibration_slope * m.mean_x;
    }
    ranking_midranks(&r->of->label_ranking, r->times, r->label_ranks);
    ranking_midranks(&r->of->prediction_ranking, r->times, r->prediction_ranks);
    const Moments ranks = take_moments(r, r->prediction_ranks, r->label_ranks);
    f->spearman = correlation(&ranks);
}

static Status open_count(const Regression *of, const int32_t *times, Count *count) {
    const size_t room = (size_t)(of->count ? of->count : 1);
    *count = (Count){.of = of,
                     .rows = of->count,
                     .times = times ? malloc(room * sizeof(int32_t)) : NULL,
                     .label_ranks = malloc(room * 2 * sizeof(double))};
    if ((times && !count->times) || !count->label_ranks)
        return status_no_memory("counts of rows", room * (2 * sizeof(double) + sizeof(int32_t)));
    count->prediction_ranks = count->label_ranks + of->count;
    if (!times)
        return NULL;
    count->rows = 0;
    for (int64_t i = 0; i < of->count; i++)
        count->rows += count->times[i] = times[of->source[i]];
    return NULL;
}

Status regression_count(const Regression *regression, const int32_t *times, RegressionFigures *figures) {
    figures_clear(figures, regression_figures);
    Count count;
    Status status = open_count(regression, times, &count);
    if (!status && count.rows)
        measure_count(&count, figures);
    free(count.times);
    free(count.label_ranks);
    return status;
}

void regression_free(Regression *r) {
    if (!r)
        return;
    free(r->labels);
    free(r->predictions);
    free(r->source);
    ranking_free(&r->label_ranking);
    ranking_free(&r->prediction_ranking);
    free(r);
}

static Status read_rows(const double *labels, const double *predictions, int64_t rows, Regression *r) {
    const size_t room = (size_t)(rows ? rows : 1);
    *r = (Regression){.labels = malloc(room * sizeof(double)),
                      .predictions = malloc(room * sizeof(double)),
                      .source = malloc(room * sizeof(int64_t))};
    if (!r->labels || !r->predictions || !r->source)
        return status_no_memory("a list of predictions", room * 3 * sizeof(double));
    for (int64_t row = 0; row < rows; row++) {
        if (!isfinite(predictions[row]) || isinf(labels[row]))
            return status_error(EXIT_DATA, "row %lld has the label %g and the prediction %g: both must be finite",
                                (long long)row, labels[row], predictions[row]);
        if (isnan(labels[row]))
            continue;
        r->labels[r->count] = labels[row];
        r->predictions[r->count] = predictions[row];
        r->source[r->count++] = row;
    }
    TRY(ranking_open(r->labels, 1, r->count, &r->label_ranking));
    return ranking_open(r->predictions, 1, r->count, &r->prediction_ranking);
}

Status regression_open(const double *labels, const double *predictions, int64_t rows, Regression **regression) {
    *regression = NULL;
    Regression *r = malloc(sizeof *r);
    if (!r)
        return status_no_memory("a list of predictions", sizeof *r);
    Status status = read_rows(labels, predictions, rows, r);
    if (status)
        regression_free(r);
    else
        *regression = r;
    return status;
}

Status regression_measure(const double *labels, const double *predictions, int64_t rows, RegressionFigures *figures) {
    Regression *regression;
    TRY(regression_open(labels, predictions, rows, &regression));
    Status status = regression_count(regression, NULL, figures);
    regression_free(regression);
    return status;
}
