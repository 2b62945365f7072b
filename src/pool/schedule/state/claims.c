/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/claims.h"

/* The GPU answers, and reports no memory of its own: it uses the host's. */
static bool is_unified(const ScheduleGpu *gpu) {
    return !gpu->cpu && gpu->seen_at > 0 && gpu->seen.sample.known && gpu->seen.sample.memory_total < 0;
}

static bool may_be_unified(const Schedule *schedule, const ScheduleJob *job) {
    const int lane = rule_lane(schedule->rule, job->job.wants.lane);
    for (int i = 0; i < schedule->gpu_count; i++)
        if (schedule->gpus[i].lane == lane && is_unified(&schedule->gpus[i]))
            return true;
    return false;
}

/* Claims are what users write: their sum may be anything. */
static int64_t add_bytes(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t claims_of(const Schedule *schedule, const ScheduleJob *job) {
    const JobWants *wants = &job->job.wants;
    int64_t bytes = wants->host_memory > 0 ? wants->host_memory : 0;
    if (wants->gpu_memory > 0 && may_be_unified(schedule, job))
        for (int i = 0; i < wants->gpus; i++)
            bytes = add_bytes(bytes, wants->gpu_memory);
    return bytes;
}

int64_t claims_running(const Schedule *schedule) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < schedule->job_count; i++)
        if (schedule->jobs[i]->attempt.number > 0)
            bytes = add_bytes(bytes, claims_of(schedule, schedule->jobs[i]));
    return bytes;
}

int64_t claims_limit(const Schedule *schedule) {
    if (schedule->host_memory < 0)
        return -1;
    const int64_t limit = schedule->host_memory - schedule->rule->host_free;
    return limit > 0 ? limit : 0;
}

int64_t claims_gpu_limit(const Schedule *schedule, const ScheduleGpu *gpu) {
    if (gpu->cpu || is_unified(gpu))
        return claims_limit(schedule);
    return gpu->seen_at > 0 && gpu->seen.sample.known ? gpu->seen.sample.memory_total : -1;
}
