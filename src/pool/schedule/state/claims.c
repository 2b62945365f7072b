/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/claims.h"

static bool answers(const ScheduleGpu *gpu) {
    return gpu->seen_at > 0 && gpu->seen.sample.known;
}

/* A slot, and a GPU that answers and reports no memory of its own, use the host's. */
static bool may_use_host(const Schedule *schedule, const ScheduleJob *job) {
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        if (gpu->lane == job->lane && (gpu->cpu || (answers(gpu) && gpu->seen.sample.memory_total < 0)))
            return true;
    }
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
    if (wants->gpu_memory > 0 && may_use_host(schedule, job))
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

int64_t claims_gpu_limit(const ScheduleGpu *gpu) {
    return !gpu->cpu && answers(gpu) ? gpu->seen.sample.memory_total : -1;
}
