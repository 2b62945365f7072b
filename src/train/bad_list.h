/* The unreadable pictures that a run has met, over all of its loaders: each once, ordered by path. */
#ifndef FOVEA_BAD_LIST_H
#define FOVEA_BAD_LIST_H

#include "loader.h"

typedef struct {
    char *path; /* root and name; owned */
    char *reason;
} BadPicture;

typedef struct {
    BadPicture *list;
    int count, capacity;
} BadList;

/* Adds what `loader` has met and the list does not hold yet. */
Status bad_list_merge(BadList *bad, Loader *loader) MUST_USE;
void bad_list_close(BadList *bad);

#endif
