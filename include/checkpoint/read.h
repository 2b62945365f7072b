/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the newest valid checkpoint. */
#ifndef FOVEA_CHECKPOINT_READ_H
#define FOVEA_CHECKPOINT_READ_H

#include "checkpoint/state.h"
#include "model/params.h"

/* Reads the newest sound checkpoint under `dir` into the parameters and `state`. A damaged one (missing file, checksum,
 * shapes) is skipped for the one before it, and `note` says so (malloc'ed, the caller's; NULL when none was skipped).
 * EXIT_DATA when none is sound; *found is false, without an error, when there is none at all. */
Status checkpoint_read(const char *dir, const Params *params, TrainState *state, bool *found, char **note) MUST_USE;

#endif
