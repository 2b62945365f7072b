/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/descent.h"
#include "stats/probe/product.h"
#include "stats/probe/tridiagonal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 200, MOST_ROUNDS = 2000, MOST_HALVINGS = 60 };
/* Of the objective: what it may still lose when a fit is done. 1e-12 leaves logits some 1e-6 from their minimum, where
 * probabilities need 1e-4. For squares a round more, which is cheap, leaves what a direct solution would. */
static const double CONVERGED = 1e-12, CONVERGED_SQUARE = 1e-20;
/* The same of the objective at no weights, where the minimum is 0: numbers that are met exactly. */
static const double NOTHING = 1e-28;
static const double ROUNDING = 1e-11; /* of the objective: a smaller gain cannot be measured, so it is believed */
static const double ARMIJO = 1e-4;    /* share of the promised gain that a step must bring */
/* Of the gradient, what the rounds of a step may leave at most: a step far from the minimum is not worth more. */
static const double MOST_SHARE = 0.1;
/* The intercepts have no penalty: of the largest curvature, what one is taken to have at least. */
static const double LEAST_CURVATURE = 1e-6;

Status descent_open(Descent *d, const Rows *rows, LossKind kind, int logits, const double *targets) {
    const size_t size = (size_t)logits * (size_t)rows->depth, real = sizeof(double);
    *d = (Descent){.rows = rows, .loss = {.kind = kind, .logits = logits, .targets = targets}};
    TRY(loss_open(&d->loss, rows->trains));
    d->weights = calloc(9 * size, real);
    d->pivots = malloc((size_t)logits * (size_t)rows->width * real);
    d->sums = calloc(2 * (size_t)logits + 1, real);
    if (!d->weights || !d->pivots || !d->sums)
        return status_no_memory("a probe", 9 * size * real);
    double **const vectors[] = {&d->asked, &d->answer,   &d->slope,     &d->gradient,
                                &d->step,  &d->residual, &d->direction, &d->preconditioned};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        *vectors[i] = d->weights + (i + 1) * size;
    d->curvature = d->sums + 1 + logits;
    return NULL;
}

void descent_close(Descent *d) {
    loss_close(&d->loss);
    free(d->weights);
    free(d->pivots);
    free(d->sums);
    *d = (Descent){0};
}

static int64_t size_of(const Descent *d) {
    return (int64_t)d->loss.logits * d->rows->depth;
}

/* to += from for weights, not for intercepts. */
static void add_weights(const Descent *d, const double *from, double *to) {
    for (int k = 0; k < d->loss.logits; k++)
        for (int64_t j = (int64_t)k * d->rows->depth; j < (int64_t)k * d->rows->depth + d->rows->width; j++)
            to[j] += from[j];
}

static double sum_squares(const Descent *d, const double *weights) {
    double sum = 0;
    for (int k = 0; k < d->loss.logits; k++) {
        const double *own = weights + (int64_t)k * d->rows->depth;
        sum += product_dot(own, own, d->rows->width);
    }
    return sum;
}

/* --- The preconditioner ------------------------------------------------------------------------------------------- */

static double scale_along(const Descent *d, int axis) {
    return d->c * fmax(d->curvature[axis], 0) / (double)d->rows->trains;
}

static void factor_axes(Descent *d) {
    const Rows *r = d->rows;
    for (int k = 0; k < d->loss.logits; k++)
        tridiagonal_factor(r->diagonal, r->next, r->width, scale_along(d, k), d->pivots + (int64_t)k * r->width);
}

/* out[logits][depth] = axes in, or its inverse: their transpose. */
static void turn_axes(const Descent *d, const double *in, bool back, double *out) {
    const int logits = d->loss.logits, depth = d->rows->depth;
    if (!d->loss.axes) {
        memcpy(out, in, (size_t)size_of(d) * sizeof *out);
        return;
    }
    memset(out, 0, (size_t)size_of(d) * sizeof *out);
    for (int k = 0; k < logits; k++)
        for (int c = 0; c < logits; c++) {
            const double part = d->loss.axes[back ? c * logits + k : k * logits + c];
            for (int j = 0; j < depth; j++)
                out[(int64_t)k * depth + j] += part * in[(int64_t)c * depth + j];
        }
}

/* preconditioned = an inverse near that of the second derivatives, times the residual; returns their product. */
static double precondition(Descent *d) {
    const Rows *r = d->rows;
    double *turned = d->asked, most = 0; /* nothing is asked for at this time */
    for (int k = 0; k < d->loss.logits; k++)
        most = fmax(most, d->curvature[k]);
    turn_axes(d, d->residual, false, turned);
    for (int k = 0; k < d->loss.logits; k++) {
        double *own = turned + (int64_t)k * r->depth;
        tridiagonal_solve(r->next, d->pivots + (int64_t)k * r->width, r->width, scale_along(d, k), own);
        own[r->width] /= d->c * fmax(d->curvature[k], LEAST_CURVATURE * most) + 1e-300;
    }
    turn_axes(d, turned, true, d->preconditioned);
    return product_dot(d->residual, d->preconditioned, size_of(d));
}

/* --- A step ------------------------------------------------------------------------------------------------------- */

static void ask_for(Descent *d, DescentAsk ask, DescentPhase phase) {
    d->ask = ask;
    d->phase = phase;
}

static void ask_for_bend(Descent *d) {
    memcpy(d->asked, d->direction, (size_t)size_of(d) * sizeof *d->asked);
    ask_for(d, DESCENT_BEND, PHASE_ROUND);
}

static void try_step(Descent *d) {
    for (int64_t i = 0; i < size_of(d); i++)
        d->asked[i] = d->weights[i] + d->length * d->step[i];
    ask_for(d, DESCENT_MEASURE, PHASE_TRIAL);
}

static void measure_here(Descent *d, DescentPhase phase) {
    memcpy(d->asked, d->weights, (size_t)size_of(d) * sizeof *d->asked);
    ask_for(d, DESCENT_MEASURE, phase);
}

static void end_descent(Descent *d) {
    if (d->guessing) {
        d->guessing = false;
        ask_for(d, DESCENT_SOLVED, PHASE_END);
        return;
    }
    d->guessing = true;
    measure_here(d, PHASE_END);
}

/* Makes what was measured, at asked[], where the descent is. */
static void keep_measurement(Descent *d, double objective) {
    d->objective = objective;
    d->losses = d->sums[0];
    memcpy(d->curvature, d->sums + 1, (size_t)d->loss.logits * sizeof *d->curvature);
    memcpy(d->weights, d->asked, (size_t)size_of(d) * sizeof *d->weights);
    memcpy(d->slope, d->answer, (size_t)size_of(d) * sizeof *d->slope);
}

/* What the objective may still lose, at most, for the descent to end. */
static double tolerance_of(const Descent *d) {
    const double share = d->loss.kind == LOSS_SQUARE ? CONVERGED_SQUARE : CONVERGED;
    return share * d->objective + NOTHING * d->c * d->empty_losses;
}

/* Of the gradient, what the rounds may leave; the gain falls by the square of it. A step lands about (gain / objective)
 * of its gain from the minimum, since the loss is no square: rounds beyond that are lost, and so are those beyond the
 * tolerance. */
static double find_share(const Descent *d) {
    const double bend = d->loss.kind == LOSS_SQUARE ? 0 : sqrt(d->gain / d->objective);
    return fmin(MOST_SHARE, fmax(bend, sqrt(0.1 * tolerance_of(d) / (d->gain * d->ratio))));
}

static void begin_step(Descent *d) {
    const int64_t size = size_of(d);
    if (++d->steps > MOST_STEPS) {
        ask_for(d, DESCENT_FAILED, PHASE_END);
        return;
    }
    for (int64_t i = 0; i < size; i++)
        d->gradient[i] = d->c * d->slope[i];
    add_weights(d, d->weights, d->gradient);
    for (int64_t i = 0; i < size; i++)
        d->residual[i] = -d->gradient[i];
    memset(d->step, 0, (size_t)size * sizeof *d->step);
    factor_axes(d);
    d->gain = precondition(d);
    if (!(d->gain * d->ratio > tolerance_of(d))) {
        end_descent(d);
        return;
    }
    memcpy(d->direction, d->preconditioned, (size_t)size * sizeof *d->direction);
    const double share = find_share(d);
    d->enough = share * share * d->gain;
    d->first_gain = d->gain;
    d->rounds = 0;
    ask_for_bend(d);
}

static void end_step(Descent *d) {
    d->promised = -product_dot(d->gradient, d->step, size_of(d));
    d->ratio = fmax(1, d->promised / d->first_gain);
    d->length = 1;
    d->halvings = 0;
    /* About what the step will leave. */
    const double left = fmax(d->gain * d->ratio, d->promised / d->objective * d->promised);
    d->guessing = left < 10 * tolerance_of(d);
    try_step(d);
}

/* Conjugate gradients for second derivatives * step = -gradient; any number of rounds gives a direction in which the
 * objective falls. */
static void take_bend(Descent *d) {
    const int64_t size = size_of(d);
    double *product = d->answer;
    for (int64_t i = 0; i < size; i++)
        product[i] *= d->c;
    add_weights(d, d->direction, product);
    const double bend = product_dot(d->direction, product, size);
    if (!(bend > 0)) {
        end_step(d);
        return;
    }
    const double length = d->gain / bend, before = d->gain;
    for (int64_t i = 0; i < size; i++) {
        d->step[i] += length * d->direction[i];
        d->residual[i] -= length * product[i];
    }
    d->gain = precondition(d);
    if (!(d->gain > d->enough) || ++d->rounds == MOST_ROUNDS) {
        end_step(d);
        return;
    }
    for (int64_t i = 0; i < size; i++)
        d->direction[i] = d->preconditioned[i] + d->gain / before * d->direction[i];
    ask_for_bend(d);
}

static void take_trial(Descent *d) {
    const double objective = 0.5 * sum_squares(d, d->asked) + d->c * d->sums[0];
    const bool measurable = d->promised > ROUNDING * d->objective;
    if (!measurable || objective <= d->objective - ARMIJO * d->length * d->promised) {
        keep_measurement(d, objective);
        begin_step(d);
        return;
    }
    d->length /= 2;
    if (++d->halvings == MOST_HALVINGS)
        ask_for(d, DESCENT_FAILED, PHASE_END);
    else
        try_step(d);
}

/* --- From outside ------------------------------------------------------------------------------------------------- */

void descent_start(Descent *d, double c) {
    const bool measured = d->ask == DESCENT_SOLVED;
    d->c = c;
    d->steps = 0;
    d->ratio = 1;
    d->guessing = false;
    if (!measured) {
        measure_here(d, PHASE_START);
        return;
    }
    d->objective = 0.5 * sum_squares(d, d->weights) + c * d->losses;
    begin_step(d);
}

void descent_go_on(Descent *d) {
    if (d->phase == PHASE_ROUND) {
        take_bend(d);
        return;
    }
    if (d->phase == PHASE_TRIAL) {
        take_trial(d);
        return;
    }
    keep_measurement(d, 0.5 * sum_squares(d, d->asked) + d->c * d->sums[0]);
    if (d->phase == PHASE_END) {
        end_descent(d);
        return;
    }
    d->empty_losses = d->losses;
    begin_step(d);
}
