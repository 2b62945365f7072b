/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a model's layers after a step: of its weights as they are then, of the gradients that led to them, of
 * what the update was, and of the activations of the step's last micro-batch, those that the backward pass gave up
 * being computed again. Weights are matrices: beside them, a norm's ones and new biases' zeros would hide how large
 * they are; a layer without any has all its parameters there. Nothing that a step computes from is changed. */
#ifndef FOVEA_TRAIN_HEALTH_H
#define FOVEA_TRAIN_HEALTH_H

#include "rundir/layer_figures.h"
#include "train/objective/objective.h"
#include "train/optimizer.h"

typedef struct Health Health;

/* Adds to measuring arenas what health_open() allocates on host and device. */
void health_measure(const ModelShape *shape, const Params *params, Arena *host, Arena *device);
/* All are borrowed. */
Status health_open(Objective *objective, Optimizer *optimizer, Ops *ops, Health **health) MUST_USE;
void health_close(Health *health);

/* Takes the figures of the step that was applied last, while none is pending and no other forward pass has followed.
 * Waits. *layers [*count] are the parameters' layers in the order of computation, valid until the next call. */
Status health_read(Health *health, const LayerFigures **layers, int *count) MUST_USE;

#endif
