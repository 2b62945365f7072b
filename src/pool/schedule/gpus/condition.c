/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpus/condition.h"

#include "pool/schedule/state/queue.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* An idle GPU's memory varies by some contexts of the driver's own; a job of any use takes more than this. */
static const int64_t TOLERANCE = (int64_t)256 << 20;
/* The first baseline is at most the larger of these: drivers keep up to about 1 GiB, on the largest GPUs near 2 %. More
 * may be a job's that nobody sees. */
static const int64_t FIRST_BASELINE = (int64_t)2 << 30;
static const double FIRST_BASELINE_SHARE = 0.03;

bool gpus_is_excess(const ScheduleGpu *gpu, int64_t memory) {
    if (memory < 0)
        return false;
    if (gpu->baseline >= 0)
        return memory > gpu->baseline + TOLERANCE;
    const int64_t share = (int64_t)((double)gpu->seen.sample.memory_total * FIRST_BASELINE_SHARE);
    return memory > (share > FIRST_BASELINE ? share : FIRST_BASELINE);
}

/* Processes that are not the job's. */
static int count_foreign(const Observation *seen) {
    const int others = seen->sample.process_count - seen->own;
    return others > 0 ? others : seen->foreign.pid != 0;
}

bool gpus_is_clear(const ScheduleGpu *gpu, char why[POOL_REASON]) {
    char unused[POOL_REASON];
    char *text = why ? why : unused;
    const GaugeSample *sample = &gpu->seen.sample;
    text[0] = '\0';
    if (!gpu->fresh)
        snprintf(text, POOL_REASON, "it was not looked at since");
    else if (!sample->known)
        snprintf(text, POOL_REASON, "the GPU does not answer: %s", sample->why);
    else if (sample->process_count < 0)
        snprintf(text, POOL_REASON, "the list of its processes is not reported");
    else if (sample->memory_failed)
        snprintf(text, POOL_REASON, "its memory cannot be read");
    else if (gpu->seen.own > 0)
        snprintf(text, POOL_REASON, "%d of its processes still use the GPU", gpu->seen.own);
    else if (count_foreign(&gpu->seen) > 0)
        snprintf(text, POOL_REASON, "%s", gpu->foreign_why);
    else if (gpus_is_excess(gpu, gpu->seen.sample.memory_used))
        snprintf(text, POOL_REASON, "no process shows, and memory is used");
    return text[0] == '\0';
}

/* A date as people of the machine read it. */
static void print_date(double date, char text[32]) {
    const time_t seconds = (time_t)date;
    struct tm parts;
    text[0] = '\0';
    if (localtime_r(&seconds, &parts))
        strftime(text, 32, "%Y-%m-%d %H:%M", &parts);
}

/* Adds to a reason what fits. */
static void append_reason(char reason[POOL_REASON], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append_reason(char reason[POOL_REASON], const char *format, ...) {
    const size_t length = strlen(reason);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + length, POOL_REASON - length, format, arguments);
    va_end(arguments);
}

void gpus_name_foreign(const Observation *seen, char text[POOL_REASON]) {
    const ForeignProcess *process = &seen->foreign;
    text[0] = '\0';
    if (count_foreign(seen) == 0)
        return;
    if (process->pid == 0) {
        append_reason(text, "used by a process of no job, which the list of this machine's processes does not show; "
                            "free once it ends");
        return;
    }
    append_reason(text, "used by %.32s, pid %" PRId64 " (%.40s)", process->user, process->pid, process->command);
    if (process->memory >= 0)
        append_reason(text, ", with %.1f GiB", (double)process->memory / (1 << 30));
    if (process->since > 0) {
        char since[32];
        print_date(process->since, since);
        append_reason(text, ", since %s", since);
    }
    append_reason(text, ", which is no job; free once it ends, or is stopped by its user, %.32s", process->user);
}

static void describe_held(const Schedule *schedule, const ScheduleGpu *gpu, char reason[POOL_REASON]) {
    const ScheduleJob *job = queue_find(schedule, gpu->job);
    append_reason(reason, "held by %s, job %" PRId64, job ? job->job.user : "a job", gpu->job);
    if (gpu->drained)
        append_reason(reason, "; then drained by %s", gpu->drained_by);
    if (gpu->foreign_why[0])
        append_reason(reason, "; also %s", gpu->foreign_why);
}

static void describe_free(const Schedule *schedule, int index, char reason[POOL_REASON]) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    if (gpu->lane < 0) {
        snprintf(reason, POOL_REASON, "in no lane");
        return;
    }
    const Lane *lane = &schedule->rule->lanes[gpu->lane];
    if (lane->kind == LANE_SERVICE) {
        snprintf(reason, POOL_REASON, "kept for the service %s", lane->name);
        return;
    }
    queue_idle_reason(schedule, index, reason);
    if (reason[0])
        return;
    if (gpu->round_at > 0 && gpu->verdict != LOOK_IDLE)
        snprintf(reason, POOL_REASON, "its two looks do not show it idle");
    else
        snprintf(reason, POOL_REASON, "its two looks are not over");
}

/* Of a GPU that nobody holds and nothing is left on, by what its gauges show; GPU_FREE: nothing is in the way. */
static GpuState judge_gauges(const Schedule *schedule, const ScheduleGpu *gpu, char reason[POOL_REASON]) {
    const GaugeSample *sample = &gpu->seen.sample;
    if (gpu->seen_at == 0)
        snprintf(reason, POOL_REASON, "not looked at yet");
    else if (!sample->known)
        snprintf(reason, POOL_REASON, "the GPU does not answer: %s", sample->why);
    else if (isnan(sample->util))
        snprintf(reason, POOL_REASON, "utilisation is not reported");
    else if (sample->process_count < 0)
        snprintf(reason, POOL_REASON, "the list of processes is not reported");
    else if (sample->memory_failed)
        snprintf(reason, POOL_REASON, "its memory cannot be read");
    if (reason[0])
        return GPU_UNKNOWN;
    if (gpu->foreign_why[0]) {
        snprintf(reason, POOL_REASON, "%s", gpu->foreign_why);
        return GPU_FOREIGN;
    }
    if (gpus_is_excess(gpu, gpu->seen.sample.memory_used)) {
        snprintf(reason, POOL_REASON, "memory is used and no process shows: see pool ghosts");
        return GPU_GHOST;
    }
    if (gpu->hot) {
        snprintf(reason, POOL_REASON, "hot: at or above %g C; new jobs start below %g C", schedule->rule->warn_celsius,
                 schedule->rule->warn_celsius - GPU_COOLS);
        return GPU_HOT;
    }
    return GPU_FREE;
}

/* Without gauges: GPU_FREE when neither a lease nor a person is in the way. */
static GpuState judge_lease(const ScheduleGpu *gpu) {
    if (gpu->quarantined)
        return GPU_QUARANTINED;
    if (gpu->job && !gpu->ended)
        return GPU_HELD;
    return gpu->job || gpu->drained ? GPU_DRAINING : GPU_FREE;
}

static void describe_lease(const Schedule *schedule, const ScheduleGpu *gpu, char reason[POOL_REASON]) {
    if (gpu->quarantined)
        append_reason(reason, "%s", gpu->quarantine_why);
    else if (gpu->job && !gpu->ended)
        describe_held(schedule, gpu, reason);
    else if (gpu->job)
        append_reason(reason, "job %" PRId64 " has ended; the GPU is not clear yet", gpu->job);
    else
        append_reason(reason, "drained by %s", gpu->drained_by);
}

GpuState gpus_condition(const Schedule *schedule, int index, char wanted[POOL_REASON]) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    char unused[POOL_REASON];
    char *reason = wanted ? wanted : unused;
    reason[0] = '\0';
    GpuState state = judge_lease(gpu);
    if (state != GPU_FREE) {
        if (wanted)
            describe_lease(schedule, gpu, wanted);
        return state;
    }
    if (!gpu->cpu)
        state = judge_gauges(schedule, gpu, reason);
    if (state != GPU_FREE)
        return state;
    if (gpu->reserved_for) {
        append_reason(reason, "kept for job %" PRId64, gpu->reserved_for);
        return GPU_RESERVED;
    }
    if (wanted)
        describe_free(schedule, index, wanted);
    return GPU_FREE;
}

void gpus_describe(const Schedule *schedule, int index, char *text, size_t size) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    char reason[POOL_REASON];
    const GpuState state = gpus_condition(schedule, index, reason);
    const ScheduleJob *job = gpu->job ? queue_find(schedule, gpu->job) : NULL;
    if (state != GPU_HELD || !job) {
        snprintf(text, size, "gpu %d is %s: %s", gpu->number, gpu_state_name(state), reason);
        return;
    }
    char since[32], pid[40] = "";
    print_date(gpu->leased_at, since);
    if (job->attempt.pid)
        snprintf(pid, sizeof pid, ", pid %" PRId64, job->attempt.pid);
    snprintf(text, size, "gpu %d is held by %s%s, job %" PRId64 ", since %s", gpu->number, job->job.user, pid, gpu->job,
             since);
}
