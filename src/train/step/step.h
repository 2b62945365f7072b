/* SPDX-License-Identifier: Apache-2.0 */
/* Optimizer steps, one after the other, without the host waiting for the device: the inputs of a step are copied on a
 * stream of their own while the previous step is computed, the device checks the step itself (check_step()), and the
 * host reads the outcome a step later. On devices that can keep work, the passes over a micro-batch and the update are
 * captured once and launched as graphs.
 *
 *   step_gradients(), step_update()                     of step t
 *   step_gradients(), step_update()                     of step t + 1, as far as step_ahead() allows
 *   step_wait_oldest()                                  the outcome of step t */
#ifndef FOVEA_TRAIN_STEP_H
#define FOVEA_TRAIN_STEP_H

#include "data/prefetch.h"
#include "train/objective/objective.h"
#include "train/optimizer.h"

enum {
    STEP_MAX_IN_FLIGHT = OPTIMIZER_MAX_IN_FLIGHT, /* started steps whose outcome is not known */
    STEP_MEAN_SETTLED = 20                        /* applied steps after which the loss's running mean is trusted */
};

typedef struct {
    Objective *objective; /* this and what follows are borrowed */
    Optimizer *optimizer;
    Ops *ops;
    int global_batch, micro_batch; /* the second divides the first */
    double spike;                  /* see StepState */
    int64_t settled;
    bool capture; /* where the device can; where a capture fails, step_note() says so, and nothing is captured after it
                   */
    /* Records in the device's cache, [cached_count][side][side][3] of the model's shape.record, device memory: batches
     * then contain no samples. NULL: they do. */
    const uint8_t *cached_records;
    int64_t cached_count;
} StepOptions;

typedef struct Step Step;

/* Adds to measuring arenas what step_open() allocates on host and device. */
void step_measure(const ModelShape *shape, int global_batch, Arena *host, Arena *memory);
Status step_open(const StepOptions *options, Step **step) MUST_USE;
/* Waits for pending steps. NULL is allowed. */
void step_close(Step *step);

/* Steps that may be pending when the next one starts: 0 where nothing runs asynchronously. */
int step_ahead(const Step *step);
int step_pending(const Step *step);
/* What the user should know about the steps so far, in one line; NULL: nothing. */
const char *step_note(const Step *step);
/* Bytes of inputs that were copied to the device so far. */
uint64_t step_copied(const Step *step);
/* Whether the device is still working on pending steps: while it is, waiting for the next batch costs nothing. */
Status step_busy(const Step *step, bool *busy) MUST_USE;

/* Sets the count of applied steps and the running mean of their losses (NaN: none yet): at the start, after a rollback
 * and after a step that was not applied. No step may be pending. Waits. */
Status step_start(Step *step, int64_t applied, double mean) MUST_USE;

/* The gradient of the loss's mean over the batch, which has the objective's extra numbers, into the parameters' grad.
 * The batch must stay valid until the step's outcome is known. */
Status step_gradients(Step *step, const PrefetchBatch *batch) MUST_USE;
/* Then the update, with the rate `lr`, as step `number`, counted from 1. The parameters change from here on. */
Status step_update(Step *step, double lr, int64_t number) MUST_USE;
/* Waits for the oldest pending step. When *outcome is halted, neither it nor any later step was applied. */
Status step_wait_oldest(Step *step, StepState *outcome) MUST_USE;

/* For the guard, when no step is pending: computes the gradients of a batch again, waiting after each micro-batch.
 * Stops at the first whose loss is not finite, with its activations in place. */
Status step_repeat(Step *step, const PrefetchBatch *batch) MUST_USE;

#endif
