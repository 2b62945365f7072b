/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW over a model's parameters, with the references' groups, and the learning rate's schedule. */
#ifndef FOVEA_TRAIN_OPTIMIZER_H
#define FOVEA_TRAIN_OPTIMIZER_H

#include "model/params.h"
#include "ops/ops.h"

typedef struct {
    double beta1, beta2, eps, weight_decay;
    double clip;        /* largest global gradient norm; 0: off */
    double layer_decay; /* rate of layer l is scaled by layer_decay^(layers + 1 - l); 1: off */
    int layers;         /* transformer blocks, for layer_decay */
    bool decay_tokens;  /* MAE's groups: only 1-D tensors and *.bias go without decay. false, the fine-tuning groups:
                         * cls_token and pos_embed go without, too */
} OptimizerOptions;

typedef struct Optimizer Optimizer;

/* What optimizer_open() would take of the host's and the device's memory, added to measuring arenas. */
void optimizer_measure(const Params *params, Arena *host, Arena *memory);
Status optimizer_open(const OptimizerOptions *options, Params *params, Ops *ops, Optimizer **optimizer) MUST_USE;
void optimizer_close(Optimizer *optimizer);
/* One step with gradients in place: `step` counts from 1. Waits, and returns the global gradient norm in *norm; when it
 * is not finite nothing is changed. Returns what failed in the operations since they were last asked, too. */
Status optimizer_step(Optimizer *optimizer, double lr, int64_t step, float *norm) MUST_USE;

/* The same in three parts that do not wait. Of the first, up to OPTIMIZER_AHEAD may be under way; the others can be
 * captured once and launched again: they find on the device what the first brought. */
enum { OPTIMIZER_AHEAD = 2 };
Status optimizer_set(Optimizer *optimizer, double lr, int64_t step) MUST_USE;
/* Computes the norm; device memory. */
const float *optimizer_norm(Optimizer *optimizer);
/* The update; none when *gate (device memory), the norm or what check_step() made of it, is not finite. */
void optimizer_apply(Optimizer *optimizer, const float *gate);

typedef struct {
    double peak_lr, min_lr;
    double warmup_steps, total_steps; /* fractions allowed */
} Schedule;

/* Rate of 0-based `step`: linear from 0 over the warm-up, then half a cosine down to min_lr (MAE's, per step). */
double schedule_lr(const Schedule *schedule, int64_t step);

#endif
