/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/regression.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better) FIGURE_OF(RegressionFigures, name, better)
const Figure regression_figures[] = {REGRESSION_FIGURES(FIGURE_ROW){0}};

/* The rows with a label, and room for their ranks. */
typedef struct {
    double *labels, *predictions, *label_ranks, *prediction_ranks; /* [count] */
    int64_t count;
} Rows;

static Status read_rows(const double *labels, const double *predictions, int64_t rows, Rows *r) {
    const size_t room = (size_t)(rows ? rows : 1);
    double *all = malloc(room * 4 * sizeof *all);
    if (!all)
        return status_no_memory("a list of predictions", room * 4 * sizeof *all);
    *r = (Rows){all, all + room, all + 2 * room, all + 3 * room, 0};
    for (int64_t row = 0; row < rows; row++) {
        if (!isfinite(predictions[row]) || isinf(labels[row]))
            return status_error(EXIT_DATA, "row %lld has the label %g and the prediction %g: both must be finite",
                                (long long)row, labels[row], predictions[row]);
        if (isnan(labels[row]))
            continue;
        r->labels[r->count] = labels[row];
        r->predictions[r->count++] = predictions[row];
    }
    return NULL;
}

/* Sums of squares and of products about the means. Of a list whose values are all equal they are exactly 0: rounding
 * in the mean must not make a spread of nothing. */
typedef struct {
    double mean_x, mean_y, xx, yy, xy;
} Moments;

static bool is_constant(const double *values, int64_t count) {
    for (int64_t i = 1; i < count; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

static double mean_of(const double *values, int64_t count) {
    if (is_constant(values, count))
        return values[0];
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static Moments take_moments(const double *x, const double *y, int64_t count) {
    Moments m = {.mean_x = mean_of(x, count), .mean_y = mean_of(y, count)};
    for (int64_t i = 0; i < count; i++) {
        const double dx = x[i] - m.mean_x, dy = y[i] - m.mean_y;
        m.xx += dx * dx;
        m.yy += dy * dy;
        m.xy += dx * dy;
    }
    return m;
}

/* Rounding may carry a perfect correlation past 1. */
static double correlation(const Moments *m) {
    return m->xx > 0 && m->yy > 0 ? fmin(fmax(m->xy / sqrt(m->xx) / sqrt(m->yy), -1), 1) : NAN;
}

static Status rank_rows(const double *values, int64_t count, double *ranks) {
    Ranking ranking;
    Status status = ranking_open(values, 1, count, &ranking);
    if (!status)
        ranking_midranks(&ranking, ranks);
    ranking_free(&ranking);
    return status;
}

static Status measure_rows(const Rows *r, RegressionFigures *f) {
    const double count = (double)r->count;
    double absolute = 0, squared = 0;
    for (int64_t i = 0; i < r->count; i++) {
        const double miss = r->predictions[i] - r->labels[i];
        absolute += fabs(miss);
        squared += miss * miss;
    }
    f->mae = absolute / count;
    f->rmse = sqrt(squared / count);
    const Moments m = take_moments(r->predictions, r->labels, r->count);
    f->pearson = correlation(&m);
    if (m.yy > 0) {
        f->r2 = 1 - squared / m.yy;
        f->spread = sqrt(m.xx / m.yy);
    }
    if (m.xx > 0) {
        f->calibration_slope = m.xy / m.xx;
        f->calibration_intercept = m.mean_y - f->calibration_slope * m.mean_x;
    }
    TRY(rank_rows(r->labels, r->count, r->label_ranks));
    TRY(rank_rows(r->predictions, r->count, r->prediction_ranks));
    const Moments ranks = take_moments(r->prediction_ranks, r->label_ranks, r->count);
    f->spearman = correlation(&ranks);
    return NULL;
}

Status regression_measure(const double *labels, const double *predictions, int64_t rows, RegressionFigures *figures) {
    figures_clear(figures, regression_figures);
    Rows r = {0};
    Status status = read_rows(labels, predictions, rows, &r);
    if (!status && r.count)
        status = measure_rows(&r, figures);
    free(r.labels);
    return status;
}
