/* SPDX-License-Identifier: Apache-2.0 */
/* The way of one fit to the weights with the least
 *
 *     |w|^2 / 2 + C * sum of the rows' losses
 *
 * the intercepts not penalised: Newton's method, each step by conjugate gradients and shortened until the objective
 * falls by Armijo's rule. Its loop is the caller's, so that many fits can share the passes over the rows: a descent
 * asks for one thing at a time, and goes on when it has the answer. What it does depends on its own answers alone.
 *
 * What makes it short is the preconditioner. Were the loss to bend alike in all rows, by a, the second derivatives
 * would be C a X'X + I, which is solved in 2 * width steps where X'X is tridiagonal (rows.h); with a the mean over the
 * rows that remains near. For squares with all labels known it is the matrix itself, and one round is enough. */
#ifndef FOVEA_STATS_DESCENT_H
#define FOVEA_STATS_DESCENT_H

#include "stats/probe/loss.h"
#include "stats/probe/rows.h"

#include <stdbool.h>

typedef enum {
    DESCENT_MEASURE, /* the losses at the weights asked[], and their sums over the rows */
    DESCENT_BEND,    /* the change of the derivatives along asked[] */
    DESCENT_SOLVED,  /* nothing */
    DESCENT_FAILED
} DescentAsk;

typedef enum { PHASE_START, PHASE_ROUND, PHASE_TRIAL, PHASE_END } DescentPhase;

typedef struct {
    const Rows *rows;
    Loss loss;
    double c;
    DescentAsk ask;
    DescentPhase phase;
    bool guessing;    /* what is asked for may be the measurement at the minimum: guesses are wanted with it */
    double *weights;  /* [logits][depth], the intercept at `width`, then zeros */
    double objective; /* at `weights`, once something was measured */
    double *asked;    /* [logits][depth] */
    double *answer;   /* [logits][depth], filled by who answers: the derivatives or their change, times X */
    double *sums;     /* [1 + logits], filled with a measurement: loss.h's */
    /* The rest is the descent's own. */
    double losses, empty_losses; /* at `weights`, and at no weights */
    double length, promised, gain, first_gain, enough;
    double ratio; /* of what a step promised to the gain that it began with: of second derivatives, the preconditioner's
                     to the true ones */
    int steps, rounds, halvings;
    double *curvature; /* [logits], along each axis, at `weights` */
    double *slope, *gradient, *step, *residual, *direction, *preconditioned; /* [logits][depth] */
    double *pivots;                                                          /* [logits][width] */
} Descent;

/* From weights of 0. targets[train rows] as in loss.h, borrowed. Free with descent_close() either way. */
Status descent_open(Descent *descent, const Rows *rows, LossKind kind, int logits, const double *targets) MUST_USE;
void descent_close(Descent *descent);

/* Sets out for the minimum at C = c from where it is. */
void descent_start(Descent *descent, double c);

/* Takes the answer and goes on. DESCENT_SOLVED: `weights` and `objective` are the minimum, and the last measurement,
 * with guesses, was there. */
void descent_go_on(Descent *descent);

#endif
