/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as the pool's reasons have them. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_REASON_WORDS_H
#define FOVEA_POOL_SCHEDULE_STATE_REASON_WORDS_H

#include "pool/job.h"

typedef struct {
    char text[64];
} ReasonWords;

/* "2 h", "15 min", "90 s": the largest unit that leaves a whole number, otherwise hours with one decimal from two of
 * them on, whole minutes from ten. */
ReasonWords reason_duration(double seconds);
/* "1.2 GiB", "8 GiB", "300 MiB". */
ReasonWords reason_bytes(int64_t bytes);
/* "2026-12-31 23:59", in the machine's time. */
ReasonWords reason_date(double date);
/* "ended with 77: the training diverged", "ended by signal 9". */
ReasonWords reason_end(JobEnd end);

#endif
