/* SPDX-License-Identifier: Apache-2.0 */
/* How a trial stands: what its run directory says, and what the pool says of its job. */
#ifndef FOVEA_POOL_SWEEP_OUTCOME_TRIAL_OUTCOME_H
#define FOVEA_POOL_SWEEP_OUTCOME_TRIAL_OUTCOME_H

#include "pool/job.h"
#include "pool/sweep/trials/trial.h"

#include <cJSON.h>

typedef struct {
    JobState state; /* JOB_WAITING also before there is a job; of a trial without one, by its results */
    int64_t job;    /* the newest; 0: none */
    bool live;      /* it has not ended */
    bool ended;     /* results are complete: the run ended by itself, and its evaluation where there is one */
    int gpu;        /* the first of its last attempt; -1: none */
    double score;   /* NAN: none */
    int64_t step;   /* -1: not known */
    double seconds; /* NAN: not known */
    char reason[POOL_REASON];
} Outcome;

/* What the run directory says. A damaged file counts as none. */
Status outcome_read(const Sweep *sweep, const Trial *trial, Outcome *outcome) MUST_USE;
/* Outcomes [sweep->count] of all trials. `jobs` [count] are lists of the pool's answer, NULL where there is none; the
 * first that has a job counts. A trial's job is the one with its run directory, below the current folder. A trial that
 * is the same as another one has its outcome. */
Status outcome_read_all(const Sweep *sweep, const cJSON *const *jobs, int count, double now,
                        Outcome *outcomes) MUST_USE;

/* Numbers of the trials: best score first, then those without one that are done, running, waiting, and last the ones
 * that failed. `order` [sweep->count]. */
void outcome_order(const Sweep *sweep, const Outcome *outcomes, int64_t *order);
/* Whether score a is better than b; NAN is worse than any. */
bool outcome_is_better(const Sweep *sweep, double a, double b);
/* Mean score of the trials that differ in their seed alone, NAN unless all have one; *deviation with n - 1, NAN for
 * one. */
double outcome_mean(const Sweep *sweep, const Outcome *outcomes, int64_t set, double *deviation);
/* Whether every trial has ended well, with a score. */
bool outcome_all_well(const Sweep *sweep, const Outcome *outcomes);

#endif
