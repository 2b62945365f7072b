/* SPDX-License-Identifier: Apache-2.0 */
/* The unreadable images of a run, over all of its loaders: each once, ordered by path. */
#ifndef FOVEA_RUNDIR_UNREADABLE_H
#define FOVEA_RUNDIR_UNREADABLE_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    char *path;
    char *reason;
} UnreadableImage;

typedef struct {
    UnreadableImage *list; /* owned, with its texts */
    int count;
    int64_t capacity;
} UnreadableList;

/* Adds a copy of the image FOLDER/NAME, unless the list has it already. */
Status unreadable_add(UnreadableList *list, const char *folder, const char *name, const char *reason) MUST_USE;
void unreadable_close(UnreadableList *list);

#endif
