/* SPDX-License-Identifier: Apache-2.0 */
/* A run's directory as its writer sees it: the names in it, the lock on it, and how it is made. */
#ifndef FOVEA_RUNDIR_RUN_DIRECTORY_H
#define FOVEA_RUNDIR_RUN_DIRECTORY_H

#include "base/status.h"

#include <stdbool.h>

typedef struct {
    char *path;
    char *config, *record, *metrics, *checkpoints, *recon, *curve;
    int lock; /* the directory itself, under flock(2) while the run lasts; -1: not locked */
} RunDirectory;

/* What is at the path before a run starts. */
typedef enum {
    RUN_DIRECTORY_FREE, /* nothing, or an empty directory */
    RUN_DIRECTORY_RUN,  /* an earlier run: there is a config.ini */
    RUN_DIRECTORY_OTHER /* files of something else */
} RunDirectoryState;

/* Sets all names under `path`. Changes nothing on disk; run_directory_close() frees them, after a failure too. */
Status run_directory_open(RunDirectory *directory, const char *path) MUST_USE;
/* EXIT_IO when the directory cannot be listed. */
Status run_directory_inspect(const RunDirectory *directory, RunDirectoryState *state) MUST_USE;
/* Makes the directory, takes its lock and writes `config` as config.ini. `replace` first removes what is there.
 * EXIT_USAGE when another run holds the lock; nothing is changed then. */
Status run_directory_create(RunDirectory *directory, const char *config, bool replace) MUST_USE;
/* Releases the lock. */
void run_directory_close(RunDirectory *directory);

#endif
