/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer and the reader of checkpoints share: the directories, checksums, state.json. */
#ifndef FOVEA_CHECKPOINT_FILES_H
#define FOVEA_CHECKPOINT_FILES_H

#include "checkpoint/checkpoint.h"

#define CHECKPOINT_WEIGHTS "weights.safetensors"
#define CHECKPOINT_OPTIMIZER "optimizer.safetensors"
#define CHECKPOINT_STATE "state.json"
#define CHECKPOINT_CHECKSUMS "checksums"

enum { CHECKPOINT_NAME = 40, CHECKPOINT_CHECKSUMS_TEXT = 512 };

typedef struct {
    int64_t step;
    bool old;                   /* step-N.old: another checkpoint of this step was about to replace it */
    char name[CHECKPOINT_NAME]; /* of the directory */
} CheckpointEntry;

/* The checkpoints in `dir`, newest first, a step-N.old after its step-N; *entries is malloc'ed and the caller's. A
 * missing `dir` holds none. EXIT_IO when it cannot be read. */
Status checkpoint_list(const char *dir, CheckpointEntry **entries, int *count) MUST_USE;

/* Makes `dir` and removes from it what a killed run left unfinished. */
Status checkpoint_prepare(const char *dir) MUST_USE;
/* Path of the directory where a checkpoint is written before it is published, the caller's; NULL without memory. */
Status checkpoint_part(const char *dir, int64_t step, char **path) MUST_USE;
/* Renames the part of `step` into place, points `latest` (and `best`) at it, then removes all but the newest `keep` up
 * to this step and the one that `best` points at. At every moment there is a sound checkpoint if there was one. */
Status checkpoint_publish(const char *dir, int64_t step, bool best, int keep) MUST_USE;

/* The text of `checksums` for the files that lie in `path` now: "HEX  NAME" lines as xxh128sum prints them, the last
 * one over the lines before it. EXIT_IO when a file is missing or cannot be read; the state of FP8, which not every run
 * has, when it is missing and `listed` (NULL: no text) has it. */
Status checkpoint_checksums(const char *path, const char *listed, char text[CHECKPOINT_CHECKSUMS_TEXT]) MUST_USE;
/* Compares the files in `path` with its `checksums`. EXIT_DATA or EXIT_IO naming the first file that is wrong. */
Status checkpoint_verify(const char *path) MUST_USE;

/* state.json: numbers come back exactly; NaN is null, hashes are hex strings. *text is malloc'ed and the caller's. */
Status checkpoint_state_print(const TrainState *state, char **text) MUST_USE;
/* EXIT_DATA naming the key that is missing or wrong; `path` is for the message. */
Status checkpoint_state_parse(const char *text, const char *path, TrainState *state) MUST_USE;

#endif
