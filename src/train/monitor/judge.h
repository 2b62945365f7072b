/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of layers say: rules that name a layer that is dead, exploding, not finite, or whose attention is on
 * one token. They follow the lines of metrics.jsonl alone, so that a resumed run, which reads its lines again, judges
 * as one that was not interrupted. docs/monitors.md gives the reasons of the thresholds. */
#ifndef FOVEA_TRAIN_JUDGE_H
#define FOVEA_TRAIN_JUDGE_H

#include "rundir/layer_figures.h"
#include "rundir/run_record.h"

/* Weights of a layer explode at so many times their first rms, or at so many times that of the stack's other blocks.
 * What is compared with is at least and at most what healthy layers have: a new head begins at 2e-5, and a run may
 * begin with an explosion. */
#define JUDGE_WEIGHTS_FACTOR 30.0f
#define JUDGE_WEIGHTS_LEAST 0.02f
#define JUDGE_WEIGHTS_MOST 1.0f
/* The same of activations, which a norm begins with 1. */
#define JUDGE_ACTIVATIONS_FACTOR 100.0f
#define JUDGE_ACTIVATIONS_LEAST 1.0f
#define JUDGE_ACTIVATIONS_MOST 4.0f
/* A layer is dead with such a share of zeros, or of idle units. */
#define JUDGE_ZERO 0.99f
#define JUDGE_IDLE 0.95f
/* Attention is on one token with such a share of queries that see hardly another. */
#define JUDGE_PEAKS 0.5f

/* What is known of a layer from earlier lines. */
typedef struct {
    char name[64];
    float weights, activations; /* their first rms; NAN: none yet */
    int64_t silent;             /* since which step it has no gradient; 0: it has one */
} JudgedLayer;

typedef struct {
    JudgedLayer *layers; /* [layer_count], owned */
    int64_t layer_count, layer_capacity;
    RunFinding *findings; /* [finding_count], owned, in the order in which they were found */
    int64_t finding_count, finding_capacity;
    int64_t step; /* of the last line; 0: none */
} Judge;

/* Judges the line of a step; new findings are added at the end. `judge` is a Judge. A LayerFiguresTake. */
Status judge_take(void *judge, int64_t step, const LayerFigures *layers, int count) MUST_USE;
/* Adds that the guard found a tensor of `layer` not finite at a step. */
Status judge_add_guards(Judge *judge, const char *layer, const char *tensor, int64_t step) MUST_USE;
/* Forgets all lines, and all findings but the guard's. */
void judge_rewind(Judge *judge);
void judge_close(Judge *judge);

/* The layer that a parameter belongs to, or that computes an activation: "blocks.9" of "blocks.9.mlp.fc1.weight". A
 * block's input is what the layer before has computed: "blocks.8" of "blocks.9.input". */
void judge_layer_name(const char *tensor, char name[64]);

enum { JUDGE_TEXT = 320 };
/* "block 9: attention on one token since step 4100 (97% of the queries ...); restart with ...". */
void judge_print(const RunFinding *finding, char text[JUDGE_TEXT]);

#endif
