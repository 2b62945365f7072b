/* SPDX-License-Identifier: Apache-2.0 */
/* Optimizer steps, one after the other, without the host waiting for the device: a step's inputs come by a stream of
 * their own while the step before is computed, the device judges the step itself (check_step()), and what it came to is
 * read a step later. Where the device can keep work, the passes over a micro-batch and the update are captured once and
 * launched again.
 *
 *   step_gradients(), step_update()                     of step t
 *   step_gradients(), step_update()                     of step t + 1, where step_ahead() allows it
 *   step_settle()                                       what step t came to */
#ifndef FOVEA_TRAIN_STEP_H
#define FOVEA_TRAIN_STEP_H

#include "data/prefetch.h"
#include "model/mae.h"
#include "train/optimizer.h"
#include "train/step/masks.h"

/* Steps under way at most. */
enum { STEP_MOST = OPTIMIZER_AHEAD };

typedef struct {
    Mae *mae; /* this and what follows are borrowed */
    Optimizer *optimizer;
    Ops *ops;
    Masks *masks;
    uint64_t seed;                 /* of the masks */
    int global_batch, micro_batch; /* the second divides the first */
    double spike;                  /* see StepState */
    int64_t settled;
    bool capture; /* where the device can */
    /* The records that the device holds, [held_count][side][side][3] of the model's shape.record, device memory:
     * batches then bring no samples. NULL: they do. */
    const uint8_t *held;
    int64_t held_count;
} StepOptions;

typedef struct Step Step;

/* What step_open() would take of the device's and the host's memory, added to measuring arenas. */
void step_measure(const ModelShape *shape, int global_batch, Arena *host, Arena *memory);
Status step_open(const StepOptions *options, Step **step) MUST_USE;
/* Waits for what is under way. NULL is allowed. */
void step_close(Step *step);

/* Steps that may be under way when the next one starts: 0 where nothing runs behind the host's back. */
int step_ahead(const Step *step);
int step_pending(const Step *step);
/* Bytes of inputs that were copied to the device so far. */
uint64_t step_copied(const Step *step);
/* Whether the device still has work of the steps under way: while it has, waiting for the next batch costs nothing. */
Status step_busy(const Step *step, bool *busy) MUST_USE;

/* Where the count of applied steps and their losses' running mean (NaN: none yet) begin, at the start, after a rollback
 * and after a step that was not sound: nothing may be under way. Waits. */
Status step_start(Step *step, int64_t applied, double mean) MUST_USE;

/* The gradient of the batch's mean loss, into the parameters' grad. The batch has to stay until the step has settled.
 * `epoch` keys the masks. */
Status step_gradients(Step *step, const PrefetchBatch *batch, uint32_t epoch) MUST_USE;
/* Then the update, with the rate `lr`, as step `number`, counted from 1. The parameters change from here on. */
Status step_update(Step *step, double lr, int64_t number) MUST_USE;
/* Waits for the oldest step under way. When *outcome says halted, no step since has been applied, this one included. */
Status step_settle(Step *step, StepState *outcome) MUST_USE;

/* For the guard, when nothing is under way: the gradients of a batch once more, waiting after each micro-batch. Returns
 * at once at one whose loss is not finite, its activations still in place. */
Status step_repeat(Step *step, const PrefetchBatch *batch, uint32_t epoch) MUST_USE;

#endif
