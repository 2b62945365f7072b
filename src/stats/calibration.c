/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"
#include "stats/binary.h"

#include <math.h>
#include <stdbool.h>

#define FIGURE_ROW(name, better) FIGURE_OF(CalibrationFigures, name, better)
const Figure calibration_figures[] = {CALIBRATION_FIGURES(FIGURE_ROW){0}};

enum { BINS = 15 };

double calibration_error(const double *confidence, const uint8_t *right, int64_t rows) {
    double sums[BINS] = {0}; /* of confidence less right */
    for (int64_t row = 0; row < rows; row++) {
        const int bin = (int)fmin(confidence[row] * BINS, BINS - 1);
        sums[bin] += confidence[row] - right[row];
    }
    double error = 0;
    for (int bin = 0; bin < BINS; bin++)
        error += fabs(sums[bin]);
    return rows ? error / (double)rows : NAN;
}

typedef struct {
    double slope, intercept;
} Line;

/* The sum of log(1 + exp(z)) - y z, with its first and second derivatives by intercept (0) and slope (1). */
typedef struct {
    double loss, gradient[2], curvature[3]; /* 00, 01, 11 */
} Fit;

static Fit measure_fit(const Binary *binary, const double *logits, Line line) {
    Fit fit = {0};
    for (int64_t i = 0; i < binary->count; i++) {
        const double x = logits[i], z = line.intercept + line.slope * x, tail = exp(-fabs(z));
        const double p = z >= 0 ? 1 / (1 + tail) : tail / (1 + tail), weight = tail / ((1 + tail) * (1 + tail));
        const double miss = p - binary->positive[i];
        fit.loss += fmax(z, 0) + log1p(tail) - (binary->positive[i] ? z : 0);
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

/* Newton's method with steps halved while the loss grows: the loss is convex and has a minimum, which the caller has
 * made sure of. Where no part of a step lowers the loss, that is at rounding's limit, and the whole step is the last:
 * the loss is flat to the square of a distance that the derivatives still see. NAN should 200 steps not be enough. */
static Line fit_line(const Binary *binary, const double *logits, Line line, bool slope_fixed) {
    Fit fit = measure_fit(binary, logits, line);
    for (int step = 0; step < 200; step++) {
        const Line way = newton_step(&fit, slope_fixed);
        double share = 1;
        Line next;
        Fit there;
        do {
            next = (Line){line.slope + share * way.slope, line.intercept + share * way.intercept};
            there = measure_fit(binary, logits, next);
            share /= 2;
        } while (!(there.loss < fit.loss) && share > 1e-6);
        if (!(there.loss < fit.loss))
            return (Line){line.slope + way.slope, line.intercept + way.intercept};
        line = next;
        fit = there;
    }
    return (Line){NAN, NAN};
}

/* A slope exists exactly where the classes overlap: neither has all its logits on one side of the other's. */
static bool overlaps(const Binary *binary, const double *logits) {
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int64_t i = 0; i < binary->count; i++) {
        const int side = binary->positive[i];
        low[side] = fmin(low[side], logits[i]);
        high[side] = fmax(high[side], logits[i]);
    }
    return low[1] < high[0] && low[0] < high[1];
}

/* Takes the place of the probabilities by their logits; false when one is infinite. */
static bool take_logits(double *probabilities, int64_t count) {
    bool finite = true;
    for (int64_t i = 0; i < count; i++) {
        probabilities[i] = log(probabilities[i]) - log1p(-probabilities[i]);
        finite &= isfinite(probabilities[i]);
    }
    return finite;
}

static void measure_lines(Binary *binary, CalibrationFigures *f) {
    if (!binary->positives || binary->positives == binary->count || !take_logits(binary->scores, binary->count))
        return;
    f->calibration_in_the_large = fit_line(binary, binary->scores, (Line){.slope = 1}, true).intercept;
    if (!overlaps(binary, binary->scores))
        return;
    const Line line = fit_line(binary, binary->scores, (Line){0}, false);
    f->calibration_slope = line.slope;
    f->calibration_intercept = line.intercept;
}

static void measure_binary(Binary *binary, CalibrationFigures *f) {
    double squared = 0;
    for (int64_t i = 0; i < binary->count; i++) {
        const double miss = binary->scores[i] - binary->positive[i];
        squared += miss * miss;
    }
    f->brier = binary->count ? squared / (double)binary->count : NAN;
    f->ece = calibration_error(binary->scores, binary->positive, binary->count);
    measure_lines(binary, f);
}

Status calibration_measure(const double *labels, const double *probabilities, int64_t rows,
                           CalibrationFigures *figures) {
    figures_clear(figures, calibration_figures);
    TRY(binary_check_probabilities(probabilities, rows, 1));
    Binary binary;
    Status status = binary_open(labels, probabilities, 1, rows, &binary);
    if (!status)
        measure_binary(&binary, figures);
    binary_free(&binary);
    return status;
}
