/* SPDX-License-Identifier: Apache-2.0 */
#include "data/unreadable_records.h"

#include "base/list.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3 }; /* files named in the message of a loader that gives up */

Status unreadable_records_open(UnreadableRecords *unreadable, const Records *records, double limit,
                               const char *limit_name) {
    /* A product such as 0.29 x 100 may be just below the whole number that is meant. */
    *unreadable = (UnreadableRecords){.records = records,
                                      .limit = limit,
                                      .limit_name = limit_name ? limit_name : "max_unreadable",
                                      .allowed = (int64_t)floor(limit * (double)records->count + 1e-9)};
    pthread_mutex_init(&unreadable->lock, NULL);
    unreadable->is_listed = calloc((size_t)records->count, 1);
    return unreadable->is_listed
               ? NULL
               : status_no_memory("the list of unreadable images", (unsigned long long)records->count);
}

void unreadable_records_close(UnreadableRecords *unreadable) {
    for (int i = 0; i < unreadable->count; i++)
        free(unreadable->list[i].reason);
    free(unreadable->list);
    free(unreadable->is_listed);
    pthread_mutex_destroy(&unreadable->lock);
}

bool unreadable_records_has(UnreadableRecords *unreadable, int64_t record) {
    pthread_mutex_lock(&unreadable->lock);
    const bool has = unreadable->is_listed[record];
    pthread_mutex_unlock(&unreadable->lock);
    return has;
}

static int by_record(const void *a, const void *b) {
    int64_t left = ((const UnreadableRecord *)a)->record, right = ((const UnreadableRecord *)b)->record;
    return (left > right) - (left < right);
}

/* The caller has the lock. */
static Status refuse(UnreadableRecords *unreadable) {
    const Records *records = unreadable->records;
    qsort(unreadable->list, (size_t)unreadable->count, sizeof *unreadable->list, by_record);
    char list[700] = "";
    for (int i = 0; i < unreadable->count && i < SHOWN; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.120s (%.100s)", i ? "; " : "", unreadable->list[i].path,
                 unreadable->list[i].reason);
    }
    const char *more = unreadable->count > SHOWN ? "; ..." : "";
    if (unreadable->count == records->count)
        return status_error(EXIT_DATA, "none of the %lld images in %.200s can be read: %s%s; repair them",
                            (long long)records->count, records->text, list, more);
    return status_error(EXIT_DATA,
                        "at least %d of the %lld images in %.200s cannot be read, more than %s = %g allows (%lld): "
                        "%s%s; repair or remove them, or raise %s",
                        unreadable->count, (long long)records->count, records->text, unreadable->limit_name,
                        unreadable->limit, (long long)unreadable->allowed, list, more, unreadable->limit_name);
}

Status unreadable_records_refuse(UnreadableRecords *unreadable) {
    pthread_mutex_lock(&unreadable->lock);
    Status status = refuse(unreadable);
    pthread_mutex_unlock(&unreadable->lock);
    return status;
}

/* The caller has the lock. */
static Status add_record(UnreadableRecords *unreadable, int64_t record, const char *reason) {
    const Records *records = unreadable->records;
    if (unreadable->is_listed[record])
        return NULL;
    char *kept;
    TRY(list_grow(&unreadable->list, unreadable->count, &unreadable->capacity, sizeof *unreadable->list,
                  "the list of unreadable images"));
    TRY(text_format(&kept, "%s", reason));
    unreadable->is_listed[record] = 1;
    unreadable->list[unreadable->count++] =
        (UnreadableRecord){record, records_root(records, record), records_path(records, record), kept};
    return unreadable->count > unreadable->allowed || unreadable->count == records->count ? refuse(unreadable) : NULL;
}

/* The list already has the path. */
static const char *skip_path(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

Status unreadable_records_add(UnreadableRecords *unreadable, int64_t record, const char *path, Status why) {
    pthread_mutex_lock(&unreadable->lock);
    Status status = add_record(unreadable, record, skip_path(status_message(why), path));
    pthread_mutex_unlock(&unreadable->lock);
    status_free(why);
    return status;
}

Status unreadable_records_copy(UnreadableRecords *unreadable, UnreadableRecord **list, int *count) {
    Status status = NULL;
    pthread_mutex_lock(&unreadable->lock);
    *count = unreadable->count;
    *list = malloc((size_t)(*count ? *count : 1) * sizeof **list);
    if (!*list) {
        *count = 0;
        status = status_no_memory("the list of unreadable images", sizeof **list);
    } else if (*count) {
        memcpy(*list, unreadable->list, (size_t)*count * sizeof **list);
        qsort(*list, (size_t)*count, sizeof **list, by_record);
    }
    pthread_mutex_unlock(&unreadable->lock);
    return status;
}
