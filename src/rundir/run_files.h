/* SPDX-License-Identifier: Apache-2.0 */
/* What a run writes into its directory: telling it from a user's files, and removing it without them. */
#ifndef FOVEA_RUNDIR_RUN_FILES_H
#define FOVEA_RUNDIR_RUN_FILES_H

#include "base/status.h"

#include <stdbool.h>

/* Whether `name` is one that a run makes in its directory, unfinished files included. */
bool run_files_own(const char *name);
/* Removes what a run wrote into `directory`, run.json last, so that a call that was killed can be repeated. Other files
 * stay, and with them the folders that contain them; links to folders stay, and what a run wrote behind them is
 * removed. */
Status run_files_remove(const char *directory) MUST_USE;

#endif
