/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"
#include "stats/binary.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(CalibrationFigures, name, better, scale)
const Figure calibration_figures[] = {CALIBRATION_FIGURES(FIGURE_ROW){0}};

int calibration_bin(double confidence) {
    return (int)fmin(confidence * CALIBRATION_BINS, CALIBRATION_BINS - 1);
}

double calibration_error(const double *confidence, const uint8_t *right, const int32_t *times, int64_t rows) {
    double sums[CALIBRATION_BINS] = {0}; /* of confidence less right */
    int64_t count = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int bin = calibration_bin(confidence[row]);
        const int32_t weight = times ? times[row] : 1;
        sums[bin] += weight * (confidence[row] - right[row]);
        count += weight;
    }
    double error = 0;
    for (int bin = 0; bin < CALIBRATION_BINS; bin++)
        error += fabs(sums[bin]);
    return count ? error / (double)count : NAN;
}

typedef struct {
    double slope, intercept;
} Line;

struct Calibration {
    Binary binary;
    double *logits; /* [count] */
    bool finite;    /* all logits are */
    Line line;      /* of all rows, counted once: where a fit to other counts starts */
    double in_the_large;
};

/* The rows, counted in one way. */
typedef struct {
    const Calibration *of;
    int32_t *times; /* [count]; NULL: each once */
    int64_t rows, positives;
} Count;

static int32_t weight_of(const Count *count, int64_t i) {
    return count->times ? count->times[i] : 1;
}

/* First and second derivatives by intercept (0) and slope (1) of the loss, the sum of log(1 + exp(z)) - y z. */
typedef struct {
    double gradient[2], curvature[3]; /* 00, 01, 11 */
} Fit;

static Fit measure_fit(const Count *count, Line line) {
    const Binary *binary = &count->of->binary;
    Fit fit = {0};
    for (int64_t i = 0; i < binary->count; i++) {
        const int32_t times = weight_of(count, i);
        if (!times)
            continue;
        const double x = count->of->logits[i], z = line.intercept + line.slope * x, tail = exp(-fabs(z));
        const double inverse = 1 / (1 + tail), p = z >= 0 ? inverse : tail * inverse;
        const double weight = times * tail * inverse * inverse, miss = times * (p - binary->positive[i]);
        fit.gradient[0] += miss;
        fit.gradient[1] += miss * x;
        fit.curvature[0] += weight;
        fit.curvature[1] += weight * x;
        fit.curvature[2] += weight * x * x;
    }
    return fit;
}

static Line newton_step(const Fit *fit, bool slope_fixed) {
    const double *c = fit->curvature, *g = fit->gradient;
    if (slope_fixed)
        return (Line){.intercept = -g[0] / c[0]};
    const double determinant = c[0] * c[2] - c[1] * c[1];
    return (Line){.intercept = (c[1] * g[1] - c[2] * g[0]) / determinant,
                  .slope = (c[1] * g[0] - c[0] * g[1]) / determinant};
}

/* What is left of the gradient. */
static double size_of(const Fit *fit, bool slope_fixed) {
    return slope_fixed ? fabs(fit->gradient[0]) : hypot(fit->gradient[0], fit->gradient[1]);
}

/* Newton's method with steps halved while the gradient does not shrink: the loss is convex and has a minimum, which the
 * caller has made sure of, and each step leads to less gradient if it is short enough. A step that promises less than
 * 1e-18 of a loss a row is the last: what remains after it is its square. So is one of which no part helps, at
 * rounding's limit. NAN should 200 steps not be enough. */
static Line fit_line(const Count *count, Line line, bool slope_fixed) {
    Fit fit = measure_fit(count, line);
    for (int step = 0; step < 200; step++) {
        const Line way = newton_step(&fit, slope_fixed);
        const Line whole = {line.slope + way.slope, line.intercept + way.intercept};
        if (-(way.slope * fit.gradient[1] + way.intercept * fit.gradient[0]) < 1e-18 * (double)count->rows)
            return whole;
        const double before = size_of(&fit, slope_fixed);
        double share = 1;
        Line next;
        Fit there;
        do {
            next = (Line){line.slope + share * way.slope, line.intercept + share * way.intercept};
            there = measure_fit(count, next);
            share /= 2;
        } while (!(size_of(&there, slope_fixed) < before) && share > 1e-6);
        if (!(size_of(&there, slope_fixed) < before))
            return whole;
        line = next;
        fit = there;
    }
    return (Line){NAN, NAN};
}

/* A slope exists exactly where the classes overlap: neither has all its logits on one side of the other's. */
static bool overlaps(const Count *count) {
    const Calibration *of = count->of;
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int64_t i = 0; i < of->binary.count; i++) {
        const int side = of->binary.positive[i];
        if (!weight_of(count, i))
            continue;
        low[side] = fmin(low[side], of->logits[i]);
        high[side] = fmax(high[side], of->logits[i]);
    }
    return low[1] < high[0] && low[0] < high[1];
}

static void measure_lines(const Count *count, CalibrationFigures *f) {
    if (!count->positives || count->positives == count->rows || !count->of->finite)
        return;
    f->calibration_in_the_large = fit_line(count, (Line){1, count->of->in_the_large}, true).intercept;
    if (!overlaps(count))
        return;
    const Line line = fit_line(count, count->of->line, false);
    f->calibration_slope = line.slope;
    f->calibration_intercept = line.intercept;
}

static void measure_count(const Count *count, CalibrationFigures *f) {
    const Binary *binary = &count->of->binary;
    double squared = 0;
    for (int64_t i = 0; i < binary->count; i++) {
        const double miss = binary->scores[i] - binary->positive[i];
        squared += weight_of(count, i) * (miss * miss);
    }
    f->brier = count->rows ? squared / (double)count->rows : NAN;
    f->ece = calibration_error(binary->scores, binary->positive, count->times, binary->count);
    measure_lines(count, f);
}

Status calibration_count(const Calibration *calibration, const int32_t *times, CalibrationFigures *figures) {
    const Binary *binary = &calibration->binary;
    Count count = {.of = calibration, .rows = binary->count, .positives = binary->positives};
    figures_clear(figures, calibration_figures);
    if (times) {
        count.times = malloc((size_t)(binary->count + 1) * sizeof *count.times);
        if (!count.times)
            return status_no_memory("counts of rows", (size_t)binary->count * sizeof *count.times);
        count.rows = count.positives = 0;
        for (int64_t i = 0; i < binary->count; i++) {
            count.times[i] = times[binary->source[i]];
            count.rows += count.times[i];
            count.positives += binary->positive[i] ? count.times[i] : 0;
        }
    }
    measure_count(&count, figures);
    free(count.times);
    return NULL;
}

void calibration_free(Calibration *calibration) {
    if (!calibration)
        return;
    binary_free(&calibration->binary);
    free(calibration->logits);
    free(calibration);
}

static Status take_logits(Calibration *c) {
    c->logits = malloc((size_t)(c->binary.count + 1) * sizeof *c->logits);
    if (!c->logits)
        return status_no_memory("logits", (size_t)c->binary.count * sizeof *c->logits);
    c->finite = true;
    for (int64_t i = 0; i < c->binary.count; i++) {
        const double p = c->binary.scores[i];
        c->logits[i] = log(p) - log1p(-p);
        c->finite &= isfinite(c->logits[i]);
    }
    const Count all = {.of = c, .rows = c->binary.count, .positives = c->binary.positives};
    CalibrationFigures figures;
    figures_clear(&figures, calibration_figures);
    measure_lines(&all, &figures);
    if (isfinite(figures.calibration_in_the_large))
        c->in_the_large = figures.calibration_in_the_large;
    if (isfinite(figures.calibration_slope))
        c->line = (Line){figures.calibration_slope, figures.calibration_intercept};
    return NULL;
}

Status calibration_open(const double *labels, const double *probabilities, int64_t rows, Calibration **calibration) {
    *calibration = NULL;
    TRY(binary_check_probabilities(probabilities, rows, 1));
    Calibration *c = calloc(1, sizeof *c);
    if (!c)
        return status_no_memory("a calibration", sizeof *c);
    Status status = binary_open(labels, probabilities, 1, rows, &c->binary);
    if (!status)
        status = take_logits(c);
    if (status)
        calibration_free(c);
    else
        *calibration = c;
    return status;
}

Status calibration_measure(const double *labels, const double *probabilities, int64_t rows,
                           CalibrationFigures *figures) {
    Calibration *calibration;
    TRY(calibration_open(labels, probabilities, rows, &calibration));
    Status status = calibration_count(calibration, NULL, figures);
    calibration_free(calibration);
    return status;
}
