/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/job_views.h"

#include "pool/schedule/state/queue.h"

int schedule_job_count(const Schedule *schedule) {
    return (int)schedule->job_count;
}

const Job *schedule_job(const Schedule *schedule, int index) {
    /* There is no order between a failure of the database and the next event. */
    return &(schedule->ordered ? schedule->order : schedule->jobs)[index]->job;
}

const Job *schedule_find(const Schedule *schedule, int64_t id) {
    const ScheduleJob *job = queue_find(schedule, id);
    return job ? &job->job : NULL;
}

const Attempt *schedule_attempt(const Schedule *schedule, int64_t id) {
    const ScheduleJob *job = queue_find(schedule, id);
    return job && job->attempt.number > 0 ? &job->attempt : NULL;
}
