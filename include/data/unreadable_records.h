/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a loader cannot read: which, why, and when there are too many of them. Thread-safe. */
#ifndef FOVEA_DATA_UNREADABLE_RECORDS_H
#define FOVEA_DATA_UNREADABLE_RECORDS_H

#include "data/records.h"

#include <pthread.h>

typedef struct {
    int64_t record;
    const char *root, *path; /* records_root() and records_path() */
    char *reason;            /* borrowed from the loader */
} UnreadableRecord;

typedef struct {
    const Records *records; /* borrowed */
    double limit;           /* share of them that may be unreadable */
    const char *limit_name; /* for the message */
    int64_t allowed;
    pthread_mutex_t lock;   /* guards what follows */
    uint8_t *is_listed;     /* [records->count] */
    UnreadableRecord *list; /* in any order */
    int count;
    int64_t capacity;
} UnreadableRecords;

Status unreadable_records_open(UnreadableRecords *unreadable, const Records *records, double limit,
                               const char *limit_name) MUST_USE;
void unreadable_records_close(UnreadableRecords *unreadable);

bool unreadable_records_has(UnreadableRecords *unreadable, int64_t record);
/* Adds a record, unless another thread did; its reason is the message of `why` after `path`. Frees `why`. EXIT_DATA
 * when it exceeds the limit. */
Status unreadable_records_add(UnreadableRecords *unreadable, int64_t record, const char *path, Status why) MUST_USE;
/* EXIT_DATA: why the loader gives up. */
Status unreadable_records_refuse(UnreadableRecords *unreadable) MUST_USE;
/* As loader_unreadable(). */
Status unreadable_records_copy(UnreadableRecords *unreadable, UnreadableRecord **list, int *count) MUST_USE;

#endif
