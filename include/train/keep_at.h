/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.keep_at: shares of the training whose checkpoints stay. */
#ifndef FOVEA_TRAIN_KEEP_AT_H
#define FOVEA_TRAIN_KEEP_AT_H

#include "checkpoint/directory.h"
#include "train/config.h"

/* Reads a list such as "5, 10, 25, 50, 100", in percent. false unless it rises from above 0 to at most 100 and has no
 * more shares than checkpoints can be kept for. An empty text has none. */
bool keep_at_read(const char *text, double shares[CHECKPOINT_KEPT_STEPS], int *count);
/* What a run of `total` steps keeps: a share is the step nearest to it, the first one at least. */
CheckpointKeep keep_at_steps(const Config *config, int64_t total);
/* Whether a checkpoint is written after `step` because it is one of those. */
bool keep_at_due(const CheckpointKeep *keep, int64_t step);

#endif
