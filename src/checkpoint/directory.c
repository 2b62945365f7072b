/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/directory.h"
#include "base/files.h"
#include "base/list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A directory being written or removed is called .NAME.part, which no reader takes for a checkpoint. A checkpoint about
 * to be replaced by another one of its step is called NAME.old and can still be read. */
#define PART_SUFFIX ".part"
#define OLD_SUFFIX ".old"
enum { PART_NAME = CHECKPOINT_NAME + sizeof "." PART_SUFFIX };

static void step_name(int64_t step, char name[CHECKPOINT_NAME]) {
    snprintf(name, CHECKPOINT_NAME, "step-%" PRId64, step);
}

static void part_name(const char *name, char part[PART_NAME]) {
    snprintf(part, PART_NAME, ".%s" PART_SUFFIX, name);
}

Status checkpoint_part(const char *dir, int64_t step, char **path) {
    char name[CHECKPOINT_NAME], part[PART_NAME];
    step_name(step, name);
    part_name(name, part);
    return files_path(path, "%s/%s", dir, part);
}

/* Accepts only names that step_name() writes: "step-7 copy" and "step-007" are left alone. */
static bool entry_of_name(const char *name, CheckpointEntry *entry) {
    if (strncmp(name, "step-", 5) != 0)
        return false;
    errno = 0;
    entry->step = strtoll(name + 5, NULL, 10);
    if (errno || entry->step < 0)
        return false;
    step_name(entry->step, entry->name);
    size_t length = strlen(entry->name);
    if (strncmp(name, entry->name, length) != 0)
        return false;
    entry->old = strcmp(name + length, OLD_SUFFIX) == 0;
    strcat(entry->name, entry->old ? OLD_SUFFIX : "");
    return entry->old || !name[length];
}

static int newest_first(const void *a, const void *b) {
    const CheckpointEntry *x = a, *y = b;
    if (x->step != y->step)
        return x->step > y->step ? -1 : 1;
    return x->old - y->old;
}

static Status cannot_list(const char *dir) {
    return status_error(EXIT_IO, "cannot list the checkpoints in %s: %s", dir, strerror(errno));
}

Status checkpoint_list(const char *dir, CheckpointEntry **entries, int *count) {
    *entries = NULL;
    *count = 0;
    DIR *stream = opendir(dir);
    if (!stream)
        return errno == ENOENT ? NULL : cannot_list(dir);
    Status status = NULL;
    CheckpointEntry entry;
    int64_t capacity = 0;
    struct dirent *file;
    while (errno = 0, !status && (file = readdir(stream)))
        if (entry_of_name(file->d_name, &entry)) {
            status = list_grow(entries, *count, &capacity, sizeof **entries, "the list of checkpoints");
            if (!status)
                (*entries)[(*count)++] = entry;
        }
    if (!status && errno)
        status = cannot_list(dir);
    closedir(stream);
    if (status) {
        free(*entries);
        *entries = NULL;
        *count = 0;
    } else if (*count) {
        qsort(*entries, (size_t)*count, sizeof **entries, newest_first);
    }
    return status;
}

int checkpoint_nearest(const CheckpointEntry *entries, int count, int64_t wanted, int64_t step) {
    int nearest = -1;
    for (int i = 0; i < count; i++)
        if (!entries[i].old && entries[i].step <= step &&
            (nearest < 0 || llabs(entries[i].step - wanted) < llabs(entries[nearest].step - wanted)))
            nearest = i;
    return nearest;
}

static Status rename_in(const char *dir, const char *from, const char *to) {
    char *source, *target = NULL;
    Status status = files_path(&source, "%s/%s", dir, from);
    if (!status)
        status = files_path(&target, "%s/%s", dir, to);
    if (!status)
        status = files_rename(source, target);
    free(source);
    free(target);
    return status;
}

static Status remove_in(const char *dir, const char *name) {
    char *path;
    TRY(files_path(&path, "%s/%s", dir, name));
    Status status = files_remove(path);
    free(path);
    return status;
}

/* Nothing depends on the links, and some file systems have none. The first reason goes to *unlinked; a link that would
 * name another checkpoint is removed. */
static Status link_in(const char *dir, const char *name, const char *target, Status *unlinked) {
    char *path;
    TRY(files_path(&path, "%s/%s", dir, name));
    Status failure = files_link(target, path);
    if (failure)
        unlink(path);
    if (*unlinked)
        status_free(failure);
    else
        *unlinked = failure;
    free(path);
    return NULL;
}

static bool exists_in(const char *dir, const char *name) {
    char *path;
    Status status = files_path(&path, "%s/%s", dir, name);
    bool exists = !status && files_exists(path);
    status_free(status);
    free(path);
    return exists;
}

/* Whether the name is unused while nothing is written: parts, and the links that files_link() makes before renaming. */
static bool is_left_over(const char *name) {
    size_t length = strlen(name), tail = sizeof PART_SUFFIX - 1;
    if (strncmp(name, ".step-", 6) == 0)
        return length > tail && strcmp(name + length - tail, PART_SUFFIX) == 0;
    return strncmp(name, "latest.tmp-", 11) == 0 || strncmp(name, "best.tmp-", 9) == 0;
}

static Status remove_left_over(const char *dir) {
    DIR *stream = opendir(dir);
    if (!stream)
        return cannot_list(dir);
    Status status = NULL;
    struct dirent *file;
    while (errno = 0, !status && (file = readdir(stream)))
        if (is_left_over(file->d_name))
            status = remove_in(dir, file->d_name);
    if (!status && errno)
        status = cannot_list(dir);
    closedir(stream);
    return status;
}

/* Renames it for remove_left_over(): a directory that is partly removed in place would look like a damaged checkpoint.
 */
static Status discard_checkpoint(const char *dir, const char *name) {
    char part[PART_NAME];
    part_name(name, part);
    TRY(remove_in(dir, part));
    return rename_in(dir, name, part);
}

static bool is_nearest(const CheckpointEntry *entries, int count, int index, int64_t step, const CheckpointKeep *keep) {
    for (int i = 0; i < keep->step_count; i++)
        if (keep->steps[i] <= step && checkpoint_nearest(entries, count, keep->steps[i], step) == index)
            return true;
    return false;
}

/* Also discards later steps than this one: the run has left them by a rollback, and the next start would take them for
 * the newest. */
static Status discard_surplus(const char *dir, int64_t step, int64_t best_step, const CheckpointKeep *keep) {
    CheckpointEntry *entries;
    int count, kept = 0;
    char best[CHECKPOINT_NAME] = "", *link;
    TRY(files_path(&link, "%s/best", dir));
    if (readlink(link, best, sizeof best - 1) < 0)
        step_name(best_step, best); /* no links here, or no best one yet */
    free(link);
    TRY(checkpoint_list(dir, &entries, &count));
    Status status = NULL;
    for (int i = 0; i < count && !status; i++) {
        bool newest = !entries[i].old && entries[i].step <= step && kept < (keep->newest > 1 ? keep->newest : 1);
        kept += newest;
        if (!newest && strcmp(entries[i].name, best) != 0 && !is_nearest(entries, count, i, step, keep))
            status = discard_checkpoint(dir, entries[i].name);
    }
    free(entries);
    return status;
}

/* An existing checkpoint of the same step stays readable under its second name until the new one is in place. */
static Status move_into_place(const char *dir, const char *part, const char *name) {
    char old[CHECKPOINT_NAME + sizeof OLD_SUFFIX];
    snprintf(old, sizeof old, "%s" OLD_SUFFIX, name);
    bool replaces = exists_in(dir, name);
    Status status = replaces ? remove_in(dir, old) : NULL;
    if (!status && replaces)
        status = rename_in(dir, name, old);
    if (!status)
        status = rename_in(dir, part, name);
    if (status && replaces && !exists_in(dir, name))
        status_free(rename_in(dir, old, name)); /* if that fails too, it is still read as step-N.old */
    return status;
}

Status checkpoint_publish(const char *dir, int64_t step, int64_t best_step, const CheckpointKeep *keep,
                          Status *unlinked) {
    char name[CHECKPOINT_NAME], part[PART_NAME];
    step_name(step, name);
    part_name(name, part);
    *unlinked = NULL;
    TRY(move_into_place(dir, part, name));
    TRY(link_in(dir, "latest", name, unlinked));
    if (best_step == step)
        TRY(link_in(dir, "best", name, unlinked));
    Status status = discard_surplus(dir, step, best_step, keep);
    /* On a network file system another program's open file can prevent this. The checkpoint is saved nevertheless, and
     * the next one tries again. */
    status_free(remove_left_over(dir));
    return status;
}

/* Renames a step-N.old without its step-N back: its replacement was never completed. */
static Status finish_replacement(const char *dir) {
    CheckpointEntry *entries;
    int count;
    TRY(checkpoint_list(dir, &entries, &count));
    Status status = NULL;
    for (int i = 0; i < count && !status; i++) {
        char name[CHECKPOINT_NAME];
        step_name(entries[i].step, name);
        if (entries[i].old)
            status =
                exists_in(dir, name) ? discard_checkpoint(dir, entries[i].name) : rename_in(dir, entries[i].name, name);
    }
    free(entries);
    return status;
}

Status checkpoint_prepare(const char *dir) {
    TRY(files_make_directory(dir));
    TRY(finish_replacement(dir));
    return remove_left_over(dir);
}
