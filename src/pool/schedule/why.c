/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/why.h"

#include "pool/schedule/gpus/condition.h"
#include "pool/schedule/jobs/estimate.h"
#include "pool/schedule/jobs/starts.h"
#include "pool/schedule/jobs/time_limits.h"
#include "pool/schedule/state/claims.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/reason_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const int MOST_BEHIND = (int)(sizeof((WhyView *)NULL)->behind / sizeof((WhyView *)NULL)->behind[0]);

/* Waiting jobs of its lane before it. */
static void list_before(const Schedule *schedule, const ScheduleJob *job, WhyView *why) {
    for (int64_t i = 0; i < schedule->job_count && schedule->order[i] != job; i++) {
        const ScheduleJob *other = schedule->order[i];
        if (other->job.state == JOB_WAITING && other->lane == job->lane && why->behind_count < MOST_BEHIND)
            why->behind[why->behind_count++] = other->job.id;
    }
}

/* Describes the worst of the GPUs that it may have, and returns how many these are. */
static int describe_obstacle(const Schedule *schedule, const ScheduleJob *job, char text[POOL_REASON]) {
    int count = 0, worst = -1, rank = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        if (!queue_may_use(schedule, job, i))
            continue;
        const GpuState state = schedule->gpus[i].state;
        const int bad = state == GPU_FREE ? 1 : state == GPU_HELD || state == GPU_RESERVED ? 2 : 3;
        count++;
        if (bad > rank)
            worst = i;
        rank = bad > rank ? bad : rank;
    }
    if (worst >= 0)
        gpus_describe(schedule, worst, text, POOL_REASON);
    return count;
}

/* What is missing are GPUs. */
static void describe_gpus(const Schedule *schedule, const ScheduleJob *job, WhyView *why) {
    const JobWants *wants = &job->job.wants;
    int gpus[POOL_GPUS];
    if (starts_find(schedule, job, gpus)) {
        snprintf(why->reason, sizeof why->reason, "starts at once");
        return;
    }
    char obstacle[POOL_REASON] = "";
    const int lane = describe_obstacle(schedule, job, obstacle);
    if (job->kept)
        snprintf(why->reason, sizeof why->reason, "GPUs are kept for it as they come free; %s", obstacle);
    else if (lane == 1)
        snprintf(why->reason, sizeof why->reason, "%s", obstacle);
    else
        snprintf(why->reason, sizeof why->reason, "waits for %d of %d GPUs of lane %s; %s", wants->gpus, lane,
                 wants->lane, obstacle);
}

static void describe_waiting(const Schedule *schedule, const ScheduleJob *job, double now, WhyView *why) {
    char hindrance[POOL_REASON];
    list_before(schedule, job, why);
    const bool hindered = queue_is_hindered(schedule, job, claims_running(schedule), hindrance);
    if (hindered)
        snprintf(why->reason, sizeof why->reason, "%s", hindrance);
    else
        describe_gpus(schedule, job, why);
    if (job->job.reason[0] && job->job.state == JOB_WAITING) {
        const size_t length = strlen(why->reason);
        snprintf(why->reason + length, sizeof why->reason - length, "; before: %.200s", job->job.reason);
    }
    if (hindered)
        return;
    double usual = NAN;
    Status status = store_usual_seconds(schedule->store, &usual);
    if (status)
        usual = NAN;
    status_free(status);
    const Estimate estimate = estimate_start(schedule, job, usual, now);
    why->expected = estimate.start;
    why->gpu = estimate.gpu;
}

static void describe_running(const Schedule *schedule, const ScheduleJob *job, WhyView *why) {
    int length = snprintf(why->reason, sizeof why->reason, "%s on gpu", job_state_name(job->job.state));
    const int most = (int)sizeof why->reason;
    for (int i = 0; i < job->attempt.gpu_count && length < most; i++)
        length += snprintf(why->reason + length, (size_t)(most - length), "%s%d", i ? "," : " ", job->attempt.gpus[i]);
    if (length < most)
        length +=
            snprintf(why->reason + length, (size_t)(most - length), " since %s", reason_date(job->attempt.from).text);
    if (job->job.reason[0] && length < most)
        snprintf(why->reason + length, (size_t)(most - length), "; %s", job->job.reason);
    const double release = time_limits_release(schedule, job);
    why->expected = isinf(release) ? NAN : release;
    why->gpu = job->attempt.gpus[0];
}

void schedule_why_job(const Schedule *schedule, const Job *job, double now, WhyView *why) {
    *why = (WhyView){.expected = NAN, .gpu = -1};
    const ScheduleJob *live = queue_find(schedule, job->id);
    if (!live)
        snprintf(why->reason, sizeof why->reason, "%s%s%s", job_state_name(job->state), job->reason[0] ? ": " : "",
                 job->reason);
    else if (live->attempt.number > 0)
        describe_running(schedule, live, why);
    else if (schedule->ordered)
        describe_waiting(schedule, live, now, why);
    else
        snprintf(why->reason, sizeof why->reason, "waits for the database");
}
