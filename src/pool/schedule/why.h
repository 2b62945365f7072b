/* SPDX-License-Identifier: Apache-2.0 */
/* Why a job is where it is, in words. */
#ifndef FOVEA_POOL_SCHEDULE_WHY_H
#define FOVEA_POOL_SCHEDULE_WHY_H

#include "pool/schedule/state/types.h"

void schedule_why_job(const Schedule *schedule, const Job *job, double now, WhyView *why);

#endif
