/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/unreadable.h"

#include "base/files.h"
#include "base/list.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static int compare_path(const void *image, const void *path) {
    return strcmp(((const UnreadableImage *)image)->path, path);
}

/* Takes over `path`, after a failure too. */
static Status insert_image(UnreadableList *list, int at, char *path, const char *reason) {
    char *kept = NULL;
    Status status =
        list_grow(&list->list, list->count, &list->capacity, sizeof *list->list, "the list of unreadable images");
    if (!status)
        status = text_format(&kept, "%s", reason);
    if (status) {
        free(path);
        return status;
    }
    memmove(list->list + at + 1, list->list + at, (size_t)(list->count - at) * sizeof *list->list);
    list->list[at] = (UnreadableImage){path, kept};
    list->count++;
    return NULL;
}

Status unreadable_add(UnreadableList *list, const char *folder, const char *name, const char *reason) {
    char *path;
    TRY(files_path(&path, "%s/%s", folder, name));
    const int at = (int)list_place(list->list, list->count, sizeof *list->list, compare_path, path);
    if (at < list->count && strcmp(list->list[at].path, path) == 0) {
        free(path);
        return NULL;
    }
    return insert_image(list, at, path, reason);
}

void unreadable_close(UnreadableList *list) {
    for (int i = 0; i < list->count; i++) {
        free(list->list[i].path);
        free(list->list[i].reason);
    }
    free(list->list);
    *list = (UnreadableList){0};
}
