/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a data set is staged into: whose it is, and what lies in it. */
#ifndef FOVEA_STAGE_OUTPUT_H
#define FOVEA_STAGE_OUTPUT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;
    int lock;       /* descriptor */
    bool published; /* it held a pack.json when it was opened */
    bool begun;     /* output_begin() was called */
} Output;

/* Makes the folder, or takes up one that was made for the same recipe (OUT/recipe.txt), for this process alone; of what
 * lies in it nothing is changed yet. Where no pack.json lies, another recipe may start anew. EXIT_USAGE when it holds
 * something else, another recipe's pack, or when another process works on it; EXIT_IO when it cannot be written. */
Status output_open(const char *path, const char *recipe, Output *output) MUST_USE;
/* Writes the recipe, removes what a killed call left half written, and makes the folders. */
Status output_begin(Output *output, const char *recipe) MUST_USE;
/* Takes the lock of a pack's folder, held until *lock is closed. EXIT_USAGE when another process has it. */
Status output_lock(const char *pack, int *lock) MUST_USE;
void output_close(Output *output);

/* A path in it, the caller's; *path is NULL on failure. */
Status output_path(const Output *output, const char *name, char **path) MUST_USE;
/* shards/NNNNN.h5, journal/NNNNN.tsv, spool/NNNNN.pixels. */
Status output_shard(const Output *output, int number, char **path) MUST_USE;
Status output_journal(const Output *output, int number, char **path) MUST_USE;
Status output_spool(const Output *output, int number, char **path) MUST_USE;
/* Remove the file; a missing one is fine. */
Status output_remove_shard(const Output *output, int number) MUST_USE;
Status output_remove_journal(const Output *output, int number) MUST_USE;

/* Whether pack.json is there. */
bool output_is_published(const Output *output);
Status output_remove_spool(const Output *output) MUST_USE;
/* Removes pack.json before anything it tells of changes. */
Status output_unfinish(const Output *output) MUST_USE;
/* Removes the spool, and shards and journals from number `count` on, left by a longer list of files; pack.json before
 * them. */
Status output_tidy(const Output *output, int count) MUST_USE;

/* Everything that staging makes in a pack's folder, a NULL at the end; those that end in a slash are folders. Files
 * that were derived elsewhere are in OUT/derived.tsv. */
extern const char *const output_names[];
/* Enters a file derived from a pack, outside or inside it, before it is made. */
Status output_register(const char *pack, const char *derived) MUST_USE;

#endif
