/* SPDX-License-Identifier: Apache-2.0 */
/* Whether pretraining saw what a task tests on: no label was seen then, but the images were. */
#ifndef FOVEA_EVAL_CONTAMINATION_H
#define FOVEA_EVAL_CONTAMINATION_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    char *weights;  /* what was pretrained */
    char *dataset;  /* what it was pretrained on and the task is from */
    char *source;   /* who says so: of a run its directory */
    int64_t images; /* of the test rows, those that it saw, or others of their people; -1: not known which */
} Contamination;

typedef struct {
    Contamination *list;
    int64_t count, capacity;
    char **unsearched; /* [unsearched_count] sentences: what could not be looked at, and why */
    int64_t unsearched_count, unsearched_room;
} ControlContamination;

void contamination_free(ControlContamination *contamination);

/* Adds one to `unsearched`, a copy. */
Status contamination_miss(ControlContamination *contamination, const char *sentence) MUST_USE;

/* Adds one; texts are copied. */
Status contamination_add(ControlContamination *contamination, const Contamination *item) MUST_USE;

/* Adds the rows of the table at `path`, as data/pretraining.tsv, of which `weights` contains the name and whose data
 * set is among datasets[count], the task's. Case and what is neither letter nor digit are not looked at:
 * "RETFound_mae.pth" contains "RETFound-MAE". */
Status contamination_look_up(ControlContamination *contamination, const char *path, const char *weights,
                             const char *const *datasets, int count) MUST_USE;

#endif
