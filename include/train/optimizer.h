/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW over a model's parameters, with the reference implementations' parameter groups, and the learning rate's
 * schedule. */
#ifndef FOVEA_TRAIN_OPTIMIZER_H
#define FOVEA_TRAIN_OPTIMIZER_H

#include "model/params.h"
#include "ops/ops.h"

typedef struct {
    double beta1, beta2, eps, weight_decay;
    double l2sp;        /* pulls tensors that are not fresh to their first values, in place of weight decay; 0: off */
    double clip;        /* largest global gradient norm; 0: off */
    double layer_decay; /* the rate of layer l is scaled by layer_decay^(layers + 1 - l); 1: off */
    int layers;         /* transformer blocks, for layer_decay */
    bool decay_tokens;  /* true, MAE's groups: only 1-D tensors and *.bias have no decay. false, the fine-tuning groups:
                         * cls_token and pos_embed have none, either */
} OptimizerOptions;

typedef struct Optimizer Optimizer;

/* Adds to measuring arenas what optimizer_open() allocates on host and device. */
void optimizer_measure(const OptimizerOptions *options, const Params *params, Arena *host, Arena *memory);
/* Frozen parameters are in no group. With l2sp the first values are those of now, until optimizer_keep_first(). */
Status optimizer_open(const OptimizerOptions *options, Params *params, Ops *ops, Optimizer **optimizer) MUST_USE;
void optimizer_close(Optimizer *optimizer);
/* In steps 1 .. `steps` only the parameters after the last block are updated; 0, as it is at first: all are, always. */
void optimizer_head_first(Optimizer *optimizer, int64_t steps);
/* Makes the parameters as they are now the first values of l2sp, and reads again which are fresh. */
Status optimizer_keep_first(Optimizer *optimizer) MUST_USE;
/* One step with the gradients in place; `step` counts from 1. Waits, and returns the global gradient norm in *norm.
 * When the norm is not finite nothing is changed. Also returns a failure of earlier operations that was not reported
 * yet. */
Status optimizer_step(Optimizer *optimizer, double lr, int64_t step, float *norm) MUST_USE;

/* The same in three parts that do not wait. Up to OPTIMIZER_MAX_IN_FLIGHT calls of the first may be pending. The others
 * can be captured once and launched again: they use the values that the first copies to the device. */
enum { OPTIMIZER_MAX_IN_FLIGHT = 2 };
Status optimizer_set(Optimizer *optimizer, double lr, int64_t step) MUST_USE;
/* Computes the norm; device memory. */
const float *optimizer_norm(Optimizer *optimizer);
/* The update. Nothing changes when *gate (device memory: the norm, or check_step()'s replacement) is not finite. */
void optimizer_apply(Optimizer *optimizer, const float *gate);

/* Sums up what the last update, which was applied, took from parameters `offset` .. offset + count - 1 of the flat
 * array, to device memory. Nothing may have changed them since. */
void optimizer_summarise(const Optimizer *optimizer, size_t offset, size_t count, TensorSummary *summary);

typedef struct {
    double peak_lr, min_lr;
    double warmup_steps, total_steps; /* fractions allowed */
    int64_t held_from;                /* from this 0-based step on the rate stays that of the step before; 0: never */
} Schedule;

/* The rate of 0-based `step`: a linear rise from 0 during the warm-up, then half a cosine down to min_lr (MAE's
 * schedule, per step). */
double schedule_lr(const Schedule *schedule, int64_t step);

#endif
