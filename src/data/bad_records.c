/* SPDX-License-Identifier: Apache-2.0 */
#include "data/bad_records.h"
#include "base/list.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3 }; /* files named in the message of a loader that gives up */

Status bad_records_open(BadRecords *bad, const Records *records, double max_bad) {
    /* The product of decimals, as 0.29 x 100, may fall just short of the whole number that is meant. */
    *bad = (BadRecords){
        .records = records, .max_bad = max_bad, .allowed = (int64_t)floor(max_bad * (double)records->count + 1e-9)};
    pthread_mutex_init(&bad->lock, NULL);
    bad->is_bad = calloc((size_t)records->count, 1);
    return bad->is_bad ? NULL : status_no_memory("the list of bad images", (unsigned long long)records->count);
}

void bad_records_close(BadRecords *bad) {
    for (int i = 0; i < bad->count; i++)
        free(bad->list[i].reason);
    free(bad->list);
    free(bad->is_bad);
    pthread_mutex_destroy(&bad->lock);
}

bool bad_records_has(BadRecords *bad, int64_t record) {
    pthread_mutex_lock(&bad->lock);
    const bool has = bad->is_bad[record];
    pthread_mutex_unlock(&bad->lock);
    return has;
}

static int by_record(const void *a, const void *b) {
    int64_t left = ((const BadRecord *)a)->record, right = ((const BadRecord *)b)->record;
    return (left > right) - (left < right);
}

/* With the lock held. */
static Status too_many(BadRecords *bad) {
    const Records *records = bad->records;
    qsort(bad->list, (size_t)bad->count, sizeof *bad->list, by_record);
    char list[700] = "";
    for (int i = 0; i < bad->count && i < SHOWN; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.120s (%.100s)", i ? "; " : "", bad->list[i].path,
                 bad->list[i].reason);
    }
    const char *more = bad->count > SHOWN ? "; ..." : "";
    if (bad->count == records->count)
        return status_error(EXIT_DATA, "none of the %lld images in %.200s can be used: %s%s; mend them",
                            (long long)records->count, records->text, list, more);
    return status_error(
        EXIT_DATA,
        "at least %d of the %lld images in %.200s cannot be used, more than data.max_unreadable = %g allows "
        "(%lld): %s%s; mend or remove them, or raise data.max_unreadable",
        bad->count, (long long)records->count, records->text, bad->max_bad, (long long)bad->allowed, list, more);
}

Status bad_records_too_many(BadRecords *bad) {
    pthread_mutex_lock(&bad->lock);
    Status status = too_many(bad);
    pthread_mutex_unlock(&bad->lock);
    return status;
}

/* With the lock held. */
static Status enter(BadRecords *bad, int64_t record, const char *reason) {
    const Records *records = bad->records;
    if (bad->is_bad[record])
        return NULL;
    char *kept;
    TRY(list_grow(&bad->list, bad->count, &bad->capacity, sizeof *bad->list, "the list of bad images"));
    TRY(text_format(&kept, "%s", reason));
    bad->is_bad[record] = 1;
    bad->list[bad->count++] = (BadRecord){record, records_root(records, record), records_path(records, record), kept};
    return bad->count > bad->allowed || bad->count == records->count ? too_many(bad) : NULL;
}

/* The list names the file beside the reason. */
static const char *without_path(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

Status bad_records_enter(BadRecords *bad, int64_t record, const char *path, Status why) {
    pthread_mutex_lock(&bad->lock);
    Status status = enter(bad, record, without_path(status_message(why), path));
    pthread_mutex_unlock(&bad->lock);
    status_free(why);
    return status;
}

Status bad_records_copy(BadRecords *bad, BadRecord **list, int *count) {
    Status status = NULL;
    pthread_mutex_lock(&bad->lock);
    *count = bad->count;
    *list = malloc((size_t)(*count ? *count : 1) * sizeof **list);
    if (!*list) {
        *count = 0;
        status = status_no_memory("the list of bad images", sizeof **list);
    } else if (*count) {
        memcpy(*list, bad->list, (size_t)*count * sizeof **list);
        qsort(*list, (size_t)*count, sizeof **list, by_record);
    }
    pthread_mutex_unlock(&bad->lock);
    return status;
}
