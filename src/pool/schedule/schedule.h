/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which GPU, when: leases, looks, queue, filler, retries and the ledger. It has no clock, no process and no
 * GPU of its own: the daemon hands it the time, what was seen and what ended, and does what it asks for; the simulation
 * does the same with a made-up node. All that it decides is in the database before anything is done about it.
 *
 * One thread. `now` never goes back between calls; a host's clock that jumps is the daemon's to smooth.
 *
 * This header is for those outside of the schedule; its own files include the headers that they need. */
#ifndef FOVEA_POOL_SCHEDULE_SCHEDULE_H
#define FOVEA_POOL_SCHEDULE_SCHEDULE_H

#include "pool/schedule/act.h"
#include "pool/schedule/clock.h"
#include "pool/schedule/ends.h"
#include "pool/schedule/gpu_watch.h"
#include "pool/schedule/job_views.h"
#include "pool/schedule/memory.h"
#include "pool/schedule/restore.h"
#include "pool/schedule/submit.h"
#include "pool/schedule/tick.h"
#include "pool/schedule/why.h"

#endif
