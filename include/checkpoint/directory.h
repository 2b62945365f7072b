/* SPDX-License-Identifier: Apache-2.0 */
/* The directories of checkpoints: DIR/step-N/ with weights.safetensors (the public names), optimizer.safetensors
 * (m.NAME, v.NAME), in FP8 runs fp8.safetensors (scales and their history), state.json and `checksums` (XXH3-128 of
 * each file, its own last). DIR/latest and DIR/best link to one each. A directory is written beside its place, every
 * file fsynced, and renamed into place whole. */
#ifndef FOVEA_CHECKPOINT_DIRECTORY_H
#define FOVEA_CHECKPOINT_DIRECTORY_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

#define CHECKPOINT_WEIGHTS "weights.safetensors"
#define CHECKPOINT_OPTIMIZER "optimizer.safetensors"
#define CHECKPOINT_FP8 "fp8.safetensors"
#define CHECKPOINT_STATE "state.json"
#define CHECKPOINT_CHECKSUMS "checksums"

enum { CHECKPOINT_NAME = 40, CHECKPOINT_KEPT_STEPS = 32 };

typedef struct {
    int64_t step;
    bool old;                   /* step-N.old: another checkpoint of this step was about to replace it */
    char name[CHECKPOINT_NAME]; /* of the directory */
} CheckpointEntry;

/* Which checkpoints stay, besides the best. */
typedef struct {
    int newest;                           /* so many; at least one, whatever it says */
    int64_t steps[CHECKPOINT_KEPT_STEPS]; /* and the one nearest to each of these steps, once the run is past it */
    int step_count;
} CheckpointKeep;

/* The checkpoints in `dir`, newest first, a step-N.old after its step-N; *entries is malloc'ed and the caller's. A
 * missing `dir` has none. EXIT_IO when it cannot be read. */
Status checkpoint_list(const char *dir, CheckpointEntry **entries, int *count) MUST_USE;
/* The index in that list of the checkpoint nearest to `wanted` among those up to `step`, of two the newer; -1: none. */
int checkpoint_nearest(const CheckpointEntry *entries, int count, int64_t wanted, int64_t step);

/* Makes `dir` and removes what a killed run left unfinished in it. */
Status checkpoint_prepare(const char *dir) MUST_USE;
/* The path where a checkpoint is written before it is published; *path is malloc'ed and the caller's. */
Status checkpoint_part(const char *dir, int64_t step, char **path) MUST_USE;
/* Renames the part of `step` into place, points `latest` (and `best`, if that is the best step) at it, then removes all
 * later ones, and of the others those that `keep` does not name, but for the best. If there was a valid checkpoint
 * before, there is one at every moment. *unlinked, the caller's: why a link was not made; the checkpoint is complete
 * nevertheless. */
Status checkpoint_publish(const char *dir, int64_t step, int64_t best_step, const CheckpointKeep *keep,
                          Status *unlinked) MUST_USE;

#endif
