/* SPDX-License-Identifier: Apache-2.0 */
/* The database's jobs. */
#ifndef FOVEA_POOL_STORE_STORE_JOBS_H
#define FOVEA_POOL_STORE_STORE_JOBS_H

#include "pool/database/database.h"
#include "pool/job.h"

/* Sets job->id, a number that no job had before. */
Status store_add_job(Store *store, Job *job) MUST_USE;
/* No job added from now on has a number up to `last`. */
Status store_skip_jobs(Store *store, int64_t last) MUST_USE;
/* Writes what changes while a job lives: state, end, reason, stop, queued, failures, halvings, attempts, priority,
 * run_dir and micro_batch. */
Status store_put_job(Store *store, const Job *job) MUST_USE;
/* With its request. *found false: no such job. Free with job_free() either way. */
Status store_get_job(Store *store, int64_t id, Job *job, bool *found) MUST_USE;

typedef Status (*StoreTakeJob)(void *context, const Job *job);
/* Jobs in ascending order of their number: those that have not ended, or all; without their requests ("") unless
 * `requests`. */
Status store_each_job(Store *store, bool ended, bool requests, StoreTakeJob take, void *context) MUST_USE;

#endif
