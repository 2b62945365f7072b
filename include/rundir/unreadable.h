/* SPDX-License-Identifier: Apache-2.0 */
/* The unreadable images that a run has met, over all of its loaders: each once, ordered by path. */
#ifndef FOVEA_RUNDIR_UNREADABLE_H
#define FOVEA_RUNDIR_UNREADABLE_H

#include "data/loader.h"

typedef struct {
    char *path; /* root and name; owned */
    char *reason;
} BadImage;

typedef struct {
    BadImage *list;
    int count, capacity;
} BadList;

/* Adds what `loader` has met and the list does not hold yet. */
Status bad_list_merge(BadList *bad, Loader *loader) MUST_USE;
void bad_list_close(BadList *bad);

#endif
