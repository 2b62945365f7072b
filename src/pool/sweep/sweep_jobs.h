/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a sweep's trials, as the pool has them. */
#ifndef FOVEA_POOL_SWEEP_SWEEP_JOBS_H
#define FOVEA_POOL_SWEEP_SWEEP_JOBS_H

#include "pool/client.h"
#include "pool/sweep/trials/trial.h"

/* Queues a trial on one GPU. A training of fovea, or a command that has --resume, may be stopped for others. *job: its
 * number. NULL: only asks whether the pool would take it. */
Status sweep_jobs_submit(PoolClient *client, const Sweep *sweep, const Trial *trial, int64_t *job) MUST_USE;
/* The pool's jobs: those that have not ended, or all; the caller's to delete. */
Status sweep_jobs_read(PoolClient *client, bool all, cJSON **jobs) MUST_USE;
/* How many GPUs the pool has. */
Status sweep_jobs_gpus(PoolClient *client, int64_t *count) MUST_USE;

#endif
