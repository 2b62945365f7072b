/* SPDX-License-Identifier: Apache-2.0 */
/* Reading checkpoints. */
#ifndef FOVEA_CHECKPOINT_READ_H
#define FOVEA_CHECKPOINT_READ_H

#include "checkpoint/state.h"
#include "model/params.h"
#include <stdbool.h>

/* Reads the newest valid checkpoint under `dir` into the parameters and `state`. Damaged ones (missing file, checksum,
 * shapes) are skipped and reported in `note` (malloc'ed, the caller's; NULL when none was skipped). EXIT_DATA when all
 * are damaged; *found is false, without an error, when there are none. */
Status checkpoint_read(const char *dir, const Params *params, TrainState *state, bool *found, char **note) MUST_USE;

#endif
