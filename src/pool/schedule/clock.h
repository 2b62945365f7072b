/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the loan: GPU-hours busy, held, idle and left, and when the queue runs dry. */
#ifndef FOVEA_POOL_SCHEDULE_CLOCK_H
#define FOVEA_POOL_SCHEDULE_CLOCK_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* Of the GPUs in pool lanes, up to `now`; total is the sum of the others. Without a loan: of all time in the ledger,
 * and nothing is left. */
Status schedule_clock(const Schedule *schedule, double now, ClockView *clock) MUST_USE;

#endif
