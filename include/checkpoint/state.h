/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a run beside parameters and moments: state.json of a checkpoint. */
#ifndef FOVEA_CHECKPOINT_STATE_H
#define FOVEA_CHECKPOINT_STATE_H

#include "base/status.h"
#include <stdint.h>

typedef struct {
    int64_t step;         /* optimizer steps taken */
    uint64_t next_batch;  /* number of the batch of the next step (step + batches skipped by rollbacks) */
    uint64_t config_hash; /* config_hash() of the run */
    uint64_t data_hash;   /* Records.hash of data.train */
    int64_t data_count;
    double val_loss;      /* last validation loss; NaN: none yet */
    double best_val_loss; /* NaN: none yet */
    int64_t best_step;    /* -1: none */
    double loss_mean;     /* the guard's running mean of the loss; NaN: none yet */
    int64_t guard_events; /* skips and rollbacks so far */
    /* Whether a validation figure says which checkpoint is the best, as last measured and its best; NaN: none yet. */
    int64_t has_metric;
    double val_metric, best_val_metric;
} TrainState;

/* Numbers read back exactly; NaN is null, hashes are hex strings. *text is malloc'ed and the caller's. */
Status checkpoint_state_print(const TrainState *state, char **text) MUST_USE;
/* EXIT_DATA naming the key that is missing or wrong; `path` is for the message. */
Status checkpoint_state_parse(const char *text, const char *path, TrainState *state) MUST_USE;

#endif
