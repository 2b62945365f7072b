/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job whose attempt has ended. A function of what is known of both, and of nothing else. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_OUTCOME_H
#define FOVEA_POOL_SCHEDULE_JOBS_OUTCOME_H

#include "pool/job.h"

enum {
    OUTCOME_FAILURES = 3, /* attempts that may fail before the job has: it is tried again at most twice */
    OUTCOME_EARLY_SECONDS =
        30 /* an attempt that fails before is an early failure: the GPU or a disk may be the cause */
};

typedef struct {
    JobState state;  /* JOB_WAITING: it goes back to the queue */
    bool failure;    /* counts against its retries; avoids its GPUs from now on */
    bool keeps_turn; /* goes back to its old place */
    bool halve;      /* its micro-batch */
    bool quarantine; /* of its GPUs */
    bool pause;      /* of the queue */
    bool early;      /* the job's first failure, and soon after the start */
    bool blames_gpu; /* the GPU may be the cause of that */
    char why[POOL_REASON];
} Outcome;

/* `job` as it was while the attempt ran. `why` is what the host knows beyond exit and signal; "": nothing. */
void outcome_of(const Job *job, JobEnd end, const char *why, double seconds, Outcome *outcome);

#endif
