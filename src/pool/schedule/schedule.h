/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which GPU, when: leases, looks, queue, filler, retries and the ledger. It has no clock, no process and no
 * GPU of its own: the daemon hands it the time, what was seen and what ended, and does what it asks for; the simulation
 * does the same with a made-up node. All that it decides is in the database before anything is done about it.
 *
 * One thread. `now` never goes back between calls; a host's clock that jumps is the daemon's to smooth. */
#ifndef FOVEA_POOL_SCHEDULE_SCHEDULE_H
#define FOVEA_POOL_SCHEDULE_SCHEDULE_H

#include "base/status.h"
#include "pool/rule/rule.h"
#include "pool/schedule/gpu_watch.h"
#include "pool/schedule/state/types.h"
#include "pool/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Restores jobs, leases, baselines and switches from the database. Time that no daemon saw is in the ledger as unseen,
 * but of GPUs whose job schedule_adopt() claims as held. `memory` of the host in bytes; -1: not known. */
Status schedule_open(Schedule **schedule, const Rule *rule, Store *store, const ScheduleHost *host, int64_t memory,
                     double now) MUST_USE;
void schedule_close(Schedule *schedule);

/* After schedule_open(), once for each attempt that the database has as not ended: it runs on; it ended meanwhile; or
 * it was never started (goes back to the queue, and does not count). */
Status schedule_adopt(Schedule *schedule, int64_t job, double now) MUST_USE;
Status schedule_not_started(Schedule *schedule, int64_t job, double now) MUST_USE;

/* What happens. */
Status schedule_started(Schedule *schedule, int64_t job, int64_t pid, double now) MUST_USE;
/* All processes of the attempt are gone. `why` of what the host knows beyond exit and signal ("its keeper was killed");
 * "" otherwise. `early_exit_code` values 126 and 127 say that the command could not be run. */
Status schedule_ended(Schedule *schedule, int64_t job, JobEnd end, const char *why, double now) MUST_USE;
/* The job wrote to its metrics. */
Status schedule_progress(Schedule *schedule, int64_t job, double now) MUST_USE;
/* The host's free memory, and what each job uses of it, by schedule_job_memory() before. */
Status schedule_job_memory(Schedule *schedule, int64_t job, int64_t bytes) MUST_USE;
Status schedule_host_memory(Schedule *schedule, int64_t available, double now) MUST_USE;

/* Does what is due: starts, stops, kills after the grace, time limits, stalls, the loan's end. Called after the calls
 * above, and at the time of schedule_next(). */
Status schedule_tick(Schedule *schedule, double now) MUST_USE;
/* When schedule_tick() has to be called next; INFINITY: nothing is planned. */
double schedule_next(const Schedule *schedule);
/* Queues the job, or with `now_or_never` starts it at once. Takes over *job's texts on success, and sets its number. A
 * refusal is EXIT_REFUSED and names holder, pid, job and since when; EXIT_USAGE: no such lane, GPU or job. With
 * `dry_run` nothing is queued: *answer says what would happen (malloc'ed; NULL otherwise). */
Status schedule_submit(Schedule *schedule, const Caller *caller, Job *job, bool now_or_never, bool dry_run,
                       char **answer, double now) MUST_USE;
Status schedule_act(Schedule *schedule, const Caller *caller, JobAct act, int64_t job, double now) MUST_USE;
Status schedule_filler(Schedule *schedule, const Caller *caller, bool on, double now) MUST_USE;
/* EXIT_REFUSED unless the caller may see and act on the job. */
Status schedule_may(const Schedule *schedule, const Caller *caller, const Job *job) MUST_USE;

/* Live jobs (waiting, held, running, stopping) in the order in which they would start, running ones first. */
int schedule_job_count(const Schedule *schedule);
const Job *schedule_job(const Schedule *schedule, int index);
/* NULL: it is not live. */
const Job *schedule_find(const Schedule *schedule, int64_t id);
const Attempt *schedule_attempt(const Schedule *schedule, int64_t job);

void schedule_why_job(const Schedule *schedule, const Job *job, double now, WhyView *why);

Status schedule_clock(const Schedule *schedule, double now, ClockView *clock) MUST_USE;

#endif
