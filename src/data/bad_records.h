/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a loader cannot use: which, why, and when there are too many of them. Any thread. */
#ifndef FOVEA_DATA_BAD_RECORDS_H
#define FOVEA_DATA_BAD_RECORDS_H

#include "data/loader.h"

#include <pthread.h>

typedef struct {
    const Records *records; /* borrowed */
    double max_bad;         /* share of them that may be bad */
    int64_t allowed;
    pthread_mutex_t lock; /* guards what follows */
    uint8_t *is_bad;      /* [records->count] */
    BadRecord *list;      /* in any order */
    int count;
    int64_t capacity;
} BadRecords;

Status bad_records_open(BadRecords *bad, const Records *records, double max_bad) MUST_USE;
void bad_records_close(BadRecords *bad);

bool bad_records_has(BadRecords *bad, int64_t record);
/* Enters a record, unless another thread did, for the reason that the message of `why` tells after `path`. `why` is
 * freed. EXIT_DATA when that is one too many. */
Status bad_records_enter(BadRecords *bad, int64_t record, const char *path, Status why) MUST_USE;
/* EXIT_DATA: why the loader gives up. */
Status bad_records_too_many(BadRecords *bad) MUST_USE;
/* As loader_bad(). */
Status bad_records_copy(BadRecords *bad, BadRecord **list, int *count) MUST_USE;

#endif
