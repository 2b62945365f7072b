/* SPDX-License-Identifier: Apache-2.0 */
/* A monitored step's figures of each layer, and the line of metrics.jsonl that has them. Numbers are floats, of nine
 * digits there: what is read is to the bit what was written. */
#ifndef FOVEA_RUNDIR_LAYER_FIGURES_H
#define FOVEA_RUNDIR_LAYER_FIGURES_H

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What the values of a layer's tensors are like; of finite ones, where there are others. Weights and gradients are of
 * its matrices, or of all its parameters where it has none. */
typedef struct {
    bool known;         /* false: there are no such tensors, or none was computed */
    float rms, largest; /* root of the mean square, largest size */
    float zero;         /* share of zeros; of activations, in the tensor that has the most */
    float not_finite;   /* share that is not finite */
} LayerSpread;

typedef struct {
    char name[64]; /* what the names of its parameters begin with: "blocks.9", "patch_embed" */
    LayerSpread weights, activations, gradients;
    float update;    /* rms of what the step changed the weights by, in their rms; NAN: not trained, here and below */
    float peaks;     /* share of attention's queries that give a key more than ATTENTION_PEAK; NAN: no attention */
    float same_peak; /* and share that give it to the key that most of them do */
    float idle;      /* share of the MLP's units that no token activates; NAN: no MLP */
} LayerFigures;

/* Adds the object `layers` to a line. */
void layer_figures_print(const LayerFigures *layers, int count, Json *json);

/* Takes the figures of a step. */
typedef Status (*LayerFiguresTake)(void *context, int64_t step, const LayerFigures *layers, int count);
/* Reads the lines of the file at `path` that have figures of layers, in their order, and hands each to `take`. No file
 * is a file without lines. */
Status layer_figures_read(const char *path, LayerFiguresTake take, void *context) MUST_USE;

#endif
