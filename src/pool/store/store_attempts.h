/* SPDX-License-Identifier: Apache-2.0 */
/* The database's attempts: (job, number) names one. */
#ifndef FOVEA_POOL_STORE_STORE_ATTEMPTS_H
#define FOVEA_POOL_STORE_STORE_ATTEMPTS_H

#include "pool/database/database.h"
#include "pool/job.h"

/* Adds or replaces. */
Status store_put_attempt(Store *store, const Attempt *attempt) MUST_USE;
typedef Status (*StoreTakeAttempt)(void *context, const Attempt *attempt);
/* Those of a job, or of all (0), in the order of (job, number); `open`: only those that have not ended. */
Status store_each_attempt(Store *store, int64_t job, bool open, StoreTakeAttempt take, void *context) MUST_USE;
typedef struct {
    Attempt *list; /* [count], the caller's to free */
    int64_t count, capacity;
} Attempts;
/* Adds them to a list, {0} at first. What was read before a failure is in it. */
Status store_read_attempts(Store *store, int64_t job, bool open, Attempts *attempts) MUST_USE;
/* Median seconds of attempts of jobs that were done, the newest 100 of them; NAN: none. */
Status store_usual_seconds(Store *store, double *seconds) MUST_USE;
/* GPU-seconds at work from `from` on, of the attempts of a lane's jobs that have ended. Of one that began before, the
 * same share as of its time. */
Status store_sum_busy(Store *store, const char *lane, double from, double *seconds) MUST_USE;

#endif
