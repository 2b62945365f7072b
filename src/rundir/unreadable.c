/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/unreadable.h"

#include "base/files.h"

#include <stdlib.h>
#include <string.h>

/* Where `path` is, or where it would go. */
static int find(const BadList *bad, const char *path) {
    int low = 0, high = bad->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(bad->list[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes over `path`. */
static Status insert(BadList *bad, int at, char *path, const char *reason) {
    if (bad->count == bad->capacity) {
        int capacity = bad->capacity ? 2 * bad->capacity : 16;
        BadImage *grown = realloc(bad->list, (size_t)capacity * sizeof *grown);
        if (!grown) {
            free(path);
            return status_no_memory("the list of bad images", (size_t)capacity * sizeof *grown);
        }
        bad->list = grown;
        bad->capacity = capacity;
    }
    char *copy = strdup(reason);
    if (!copy) {
        free(path);
        return status_no_memory("the list of bad images", strlen(reason) + 1);
    }
    memmove(bad->list + at + 1, bad->list + at, (size_t)(bad->count - at) * sizeof *bad->list);
    bad->list[at] = (BadImage){path, copy};
    bad->count++;
    return NULL;
}

static Status add(BadList *bad, const BadRecord *record) {
    char *path = files_path("%s/%s", record->root, record->path);
    if (!path)
        return status_no_memory("a path", strlen(record->root) + strlen(record->path) + 2);
    int at = find(bad, path);
    if (at < bad->count && strcmp(bad->list[at].path, path) == 0) {
        free(path);
        return NULL;
    }
    return insert(bad, at, path, record->reason);
}

Status bad_list_merge(BadList *bad, Loader *loader) {
    BadRecord *records;
    int count;
    TRY(loader_bad(loader, &records, &count));
    Status status = NULL;
    for (int i = 0; i < count && !status; i++)
        status = add(bad, &records[i]);
    free(records);
    return status;
}

void bad_list_close(BadList *bad) {
    for (int i = 0; i < bad->count; i++) {
        free(bad->list[i].path);
        free(bad->list[i].reason);
    }
    free(bad->list);
    *bad = (BadList){0};
}
