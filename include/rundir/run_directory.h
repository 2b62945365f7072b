/* SPDX-License-Identifier: Apache-2.0 */
/* A run's directory: the names in it, how its writer makes and locks it, and how others look through it. */
#ifndef FOVEA_RUNDIR_RUN_DIRECTORY_H
#define FOVEA_RUNDIR_RUN_DIRECTORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;
    char *config, *record, *metrics, *checkpoints, *recon, *curve;
    int lock; /* the directory itself, under flock(2) while the run lasts; -1: not locked */
} RunDirectory;

/* What is at the path before a run starts. */
typedef enum {
    RUN_DIRECTORY_FREE, /* nothing, or an empty directory */
    RUN_DIRECTORY_RUN,  /* an earlier run: a run.json or a complete checkpoint shows it, or there is nothing else */
    RUN_DIRECTORY_OTHER /* files of something else */
} RunDirectoryState;

/* Sets all names under `path`. Changes nothing on disk; run_directory_close() frees them, after a failure too. */
Status run_directory_open(RunDirectory *directory, const char *path) MUST_USE;
/* EXIT_IO when the directory cannot be listed. */
Status run_directory_inspect(const RunDirectory *directory, RunDirectoryState *state) MUST_USE;
/* Whether it is a folder that is never a run's alone: the current one, the user's home, or one above them. */
bool run_directory_is_shared(const RunDirectory *directory);
/* Makes the directory, takes its lock and writes `config` as config.ini. `replace` first removes what a run wrote
 * there. EXIT_USAGE when another run holds the lock; nothing is changed then. */
Status run_directory_create(RunDirectory *directory, const char *config, bool replace) MUST_USE;
/* Releases the lock. */
void run_directory_close(RunDirectory *directory);

/* Names of the run directories directly in `folder`, sorted: folders with a config.ini or a run.json. EXIT_IO when
 * `folder` cannot be read. Free with run_directory_list_free(). */
Status run_directory_list(const char *folder, char ***names, int *count) MUST_USE;
void run_directory_list_free(char **names, int count);

/* The newest complete checkpoint: its `checksums` and all files that this lists are there; their content is not
 * checked. *step is -1, and *path NULL, when there is none; *path is the caller's. */
Status run_directory_checkpoint(const RunDirectory *directory, int64_t *step, char **path) MUST_USE;

#endif
