/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a job could ever run. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_FIT_H
#define FOVEA_POOL_SCHEDULE_JOBS_FIT_H

#include "pool/schedule/state/state.h"

/* Completes the wants (lane, number of GPUs) and checks them: EXIT_USAGE for a lane or a GPU that there is not,
 * EXIT_REFUSED for a lane that is not the caller's and for what never fits, with both numbers. */
Status fit_wants(const Schedule *schedule, const Caller *caller, Job *job) MUST_USE;

#endif
