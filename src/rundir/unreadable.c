/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/unreadable.h"

#include "base/files.h"

#include <stdlib.h>
#include <string.h>

/* Where `path` is, or where it belongs. */
static int find_place(const UnreadableList *list, const char *path) {
    int low = 0, high = list->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(list->list[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Owns `path` and `reason` from here on, after a failure too. */
static Status insert_image(UnreadableList *list, int at, char *path, char *reason) {
    if (path && reason && list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 16;
        UnreadableImage *grown = realloc(list->list, (size_t)capacity * sizeof *grown);
        if (grown) {
            list->list = grown;
            list->capacity = capacity;
        }
    }
    if (!path || !reason || list->count == list->capacity) {
        free(path);
        free(reason);
        return status_no_memory("the list of unreadable images", (size_t)(list->count + 1) * sizeof *list->list);
    }
    memmove(list->list + at + 1, list->list + at, (size_t)(list->count - at) * sizeof *list->list);
    list->list[at] = (UnreadableImage){path, reason};
    list->count++;
    return NULL;
}

Status unreadable_add(UnreadableList *list, const char *folder, const char *name, const char *reason) {
    char *path;
    TRY(files_path(&path, "%s/%s", folder, name));
    int at = find_place(list, path);
    if (at < list->count && strcmp(list->list[at].path, path) == 0) {
        free(path);
        return NULL;
    }
    return insert_image(list, at, path, strdup(reason));
}

void unreadable_close(UnreadableList *list) {
    for (int i = 0; i < list->count; i++) {
        free(list->list[i].path);
        free(list->list[i].reason);
    }
    free(list->list);
    *list = (UnreadableList){0};
}
