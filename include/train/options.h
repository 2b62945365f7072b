/* SPDX-License-Identifier: Apache-2.0 */
/* How a run is started. */
#ifndef FOVEA_TRAIN_OPTIONS_H
#define FOVEA_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *config_path; /* for messages and the default run directory */
    bool resume;             /* continue from the run directory's newest valid checkpoint */
    bool force;              /* first remove what an earlier run wrote in the run directory */
    int64_t until;           /* stop, with a checkpoint, after this step; 0: run to the end */
    double max_hours;        /* stop, with a checkpoint, after this time; 0: no limit */
    bool waits;              /* a due checkpoint waits for the one before: the best never depends on the disk */
    const double *labels;    /* in place of data.label's, see labels_take(), on sides that are not checked; or NULL */
} TrainOptions;

#endif
