/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/victims.h"

#include <stdlib.h>

static bool may_stop(const ScheduleJob *victim, const ScheduleJob *job) {
    const JobWants *from = &victim->job.wants, *to = &job->job.wants;
    if (victim->job.state != JOB_RUNNING || !from->resumable || from->foreground)
        return false;
    return from->priority < to->priority || (from->priority == to->priority && from->gpus < to->gpus);
}

/* GPUs that the job would get from it. */
static int count_gain(const Schedule *schedule, const ScheduleJob *victim, const bool *usable) {
    int gain = 0;
    for (int i = 0; i < schedule->gpu_count; i++)
        gain += usable[i] && schedule->gpus[i].job == victim->job.id;
    return gain;
}

static int compare_losses(const void *a, const void *b) {
    const ScheduleJob *x = *(ScheduleJob *const *)a, *y = *(ScheduleJob *const *)b;
    if (x->job.wants.priority != y->job.wants.priority)
        return x->job.wants.priority < y->job.wants.priority ? -1 : 1;
    if (x->attempt.from != y->attempt.from)
        return x->attempt.from > y->attempt.from ? -1 : 1;
    return x->job.id > y->job.id ? -1 : 1;
}

int victims_find(const Schedule *schedule, const ScheduleJob *job, const bool *usable, int lacking,
                 ScheduleJob *victims[POOL_GPUS]) {
    ScheduleJob *candidates[POOL_GPUS];
    int candidate_count = 0;
    /* Those that run come first in the order. */
    for (int64_t i = 0; i < schedule->job_count && candidate_count < POOL_GPUS; i++) {
        ScheduleJob *victim = schedule->order[i];
        if (victim->attempt.number == 0)
            break;
        if (may_stop(victim, job) && count_gain(schedule, victim, usable) > 0)
            candidates[candidate_count++] = victim;
    }
    qsort(candidates, (size_t)candidate_count, sizeof *candidates, compare_losses);
    int gained = 0, chosen = 0;
    while (chosen < candidate_count && gained < lacking)
        gained += count_gain(schedule, candidates[chosen++], usable);
    if (gained < lacking)
        return 0;
    /* A large one that came last may have made earlier ones needless. */
    int count = 0;
    for (int i = 0; i < chosen; i++) {
        const int gain = count_gain(schedule, candidates[i], usable);
        if (gained - gain >= lacking)
            gained -= gain;
        else
            victims[count++] = candidates[i];
    }
    return count;
}
