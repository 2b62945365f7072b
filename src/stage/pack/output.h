/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a data set is staged into: its lock, its recipe and its files. */
#ifndef FOVEA_STAGE_OUTPUT_H
#define FOVEA_STAGE_OUTPUT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;
    int lock;       /* descriptor */
    bool published; /* it contained a pack.json when it was opened */
    bool begun;     /* output_begin() was called */
} Output;

/* Creates the folder, or opens one that was made with the same recipe (OUT/recipe.txt), and locks it; its contents are
 * not changed yet. Without a pack.json, another recipe may start over. EXIT_USAGE when the folder contains anything
 * else or another recipe's pack, or when another process is staging into it; EXIT_IO when it cannot be written. */
Status output_open(const char *path, const char *recipe, Output *output) MUST_USE;
/* Writes the recipe, removes files that a killed call left unfinished, and creates the folders. */
Status output_begin(Output *output, const char *recipe) MUST_USE;
/* Locks a pack's folder until *lock is closed. EXIT_USAGE when another process has locked it. */
Status output_lock(const char *pack, int *lock) MUST_USE;
void output_close(Output *output);

/* A path in the folder, the caller's; *path is NULL on failure. */
Status output_path(const Output *output, const char *name, char **path) MUST_USE;
/* shards/NNNNN.h5, journal/NNNNN.tsv, spool/NNNNN.pixels. */
Status output_shard(const Output *output, int number, char **path) MUST_USE;
Status output_journal(const Output *output, int number, char **path) MUST_USE;
Status output_spool(const Output *output, int number, char **path) MUST_USE;
/* Remove the file; a missing one is fine. */
Status output_remove_shard(const Output *output, int number) MUST_USE;
Status output_remove_journal(const Output *output, int number) MUST_USE;

/* Whether the folder contains pack.json. */
bool output_is_published(const Output *output);
Status output_remove_spool(const Output *output) MUST_USE;
/* Removes pack.json, before any file that it describes changes. */
Status output_unpublish(const Output *output) MUST_USE;
/* Removes the spool, and shards and journals from number `count` on, which a longer list of files left; pack.json
 * first. */
Status output_remove_leftovers(const Output *output, int count) MUST_USE;

/* Everything that staging creates in a pack's folder, ends with NULL; names that end in a slash are folders.
 * OUT/derived.tsv lists files derived elsewhere. */
extern const char *const output_names[];

#endif
