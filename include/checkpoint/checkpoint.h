/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: DIR/step-N/ with weights.safetensors (the public names), optimizer.safetensors (m.NAME, v.NAME), in runs
 * in FP8 fp8.safetensors (scales and what chooses them), state.json and `checksums` (XXH3-128 of each file, of itself
 * last); DIR/latest and DIR/best point at one each. A directory is written beside, every file fsynced, and renamed into
 * place whole. */
#ifndef FOVEA_CHECKPOINT_H
#define FOVEA_CHECKPOINT_H

#include "base/status.h"
#include "model/params.h"
#include <stdbool.h>
#include <stdint.h>

/* What a run needs beside parameters and moments to go on exactly. */
typedef struct {
    int64_t step;         /* optimizer steps taken */
    uint64_t next_batch;  /* number of the batch that the next step takes (step + batches passed over by rollbacks) */
    uint64_t config_hash; /* config_hash() of the run */
    uint64_t data_hash;   /* Records.hash of data.train */
    int64_t data_count;
    double val_loss;      /* last validation loss; NaN: none yet */
    double best_val_loss; /* NaN: none yet */
    int64_t best_step;    /* -1: none */
    double loss_mean;     /* the guard's running mean of the loss; NaN: none yet */
    int64_t guard_events; /* skips and rollbacks so far */
} TrainState;

typedef struct CheckpointWriter CheckpointWriter;

/* What the writer would take of the host's memory, added to a measuring arena. */
void checkpoint_writer_measure(const Params *params, Arena *host);
/* Starts the writer's thread and allocates its staging copy (value, m and v). Left-over unfinished directories in `dir`
 * are removed. */
Status checkpoint_writer_open(const char *dir, const Params *params, int keep, CheckpointWriter **writer) MUST_USE;

/* Asks for a checkpoint of the parameters as they are now and returns at once. The copy is made by the writer's thread
 * while the next step computes its gradients; checkpoint_writer_copied() must be called before they change. When the
 * former write is not finished, nothing is done and *started is false: the caller counts it. `best`: also point `best`
 * here. Returns the failure of an earlier write. */
Status checkpoint_writer_begin(CheckpointWriter *writer, const TrainState *state, bool best, bool *started) MUST_USE;
/* Returns when the copy is made. */
void checkpoint_writer_copied(CheckpointWriter *writer);
/* Returns when no write is under way, with the last write's failure: previous checkpoints are intact then. */
Status checkpoint_writer_wait(CheckpointWriter *writer) MUST_USE;
/* Waits, stops the thread, frees. NULL is allowed. */
void checkpoint_writer_close(CheckpointWriter *writer);

/* Reads the newest sound checkpoint under `dir` into the parameters and `state`. A damaged one (missing file, checksum,
 * shapes) is passed over for the one before it, saying so in `note` (malloc'ed, the caller's; NULL when nothing was
 * passed over). EXIT_DATA when none is sound; *found is false, without an error, when there is none at all. */
Status checkpoint_read(const char *dir, const Params *params, TrainState *state, bool *found, char **note) MUST_USE;

#endif
