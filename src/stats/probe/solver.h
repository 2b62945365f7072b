/* SPDX-License-Identifier: Apache-2.0 */
/* Many fits to the same rows together. Each goes its own way (descent.h) through the strengths, from the solution for
 * one to that for the next; a pass over the rows answers what all of them ask for. So products of the rows with a
 * vector become products of matrices, which is what a processor is good at; and a fit that is done leaves, and has not
 * changed a bit of the others. */
#ifndef FOVEA_STATS_SOLVER_H
#define FOVEA_STATS_SOLVER_H

#include "stats/probe/descent.h"

typedef struct {
    Descent descent;
    int strength;    /* number of the strength that it is at */
    double *guesses; /* [vals + tests][logits], the logits of these rows at the solution */
    Status status;
} Fit;

typedef struct {
    const Rows *rows;
    const double *strengths; /* [count], C of descent.h */
    int count;
    int threads;
    /* Called when a fit is solved at a strength: its descent's weights and objective, `strength` and `guesses`. Of
     * different fits at the same time, from different threads. */
    Status (*solved)(void *context, Fit *fit);
    void *context;
} Solver;

/* From weights of 0; targets as in loss.h, borrowed. Free with fit_close() either way. */
Status fit_open(Fit *fit, const Rows *rows, LossKind kind, int logits, const double *targets) MUST_USE;
void fit_close(Fit *fit);

/* Solves fits[count] at all strengths. Of several failures that of the first fit. */
Status solver_run(const Solver *solver, Fit **fits, int count) MUST_USE;

#endif
