/* SPDX-License-Identifier: Apache-2.0 */
/* A run's directory: where it lies, who may write to it, and what is called how in it. */
#ifndef FOVEA_RUNDIR_RUN_DIRECTORY_H
#define FOVEA_RUNDIR_RUN_DIRECTORY_H

#include "base/config.h"
#include "base/status.h"
#include "train/train.h"

typedef struct {
    char *path; /* run.dir, or runs/NAME of the config file */
    char *config, *record, *metrics, *checkpoints, *recon, *curve;
    int lock; /* the directory itself, under flock(2) while the run lasts; -1: not held */
} Directory;

/* Names everything and refuses what the options do not allow: a directory with something in it but neither --resume nor
 * --force, --force on what is no run, a stored configuration that differs in a key that changes the result
 * (EXIT_USAGE). Changes nothing on disk. *validation_changed: this run validates on other images than the stored
 * one. */
Status directory_open(Directory *directory, const Config *config, const TrainOptions *options,
                      bool *validation_changed) MUST_USE;
/* Makes the directory (after removing the old one, if --force), takes its lock and writes config.ini, whose run.dir is
 * the directory's own path. EXIT_USAGE when another run holds the lock. */
Status directory_create(Directory *directory, const Config *config, bool force) MUST_USE;
void directory_close(Directory *directory);

/* Compares two resolved configurations line by line; EXIT_USAGE naming the first key that differs and can change the
 * result. `stored_path` is for the message. */
Status directory_compare(const char *stored, const char *wanted, const char *stored_path,
                         bool *validation_changed) MUST_USE;

#endif
