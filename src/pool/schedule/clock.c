/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/clock.h"

#include "pool/schedule/jobs/estimate.h"
#include "pool/schedule/state/queue.h"

#include <math.h>
#include <string.h>

static const int MOST_LATE = (int)(sizeof((ClockView *)NULL)->late / sizeof((ClockView *)NULL)->late[0]);

static int list_pool(const Schedule *schedule, int gpus[POOL_GPUS]) {
    int count = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const int lane = schedule->gpus[i].lane;
        if (lane >= 0 && schedule->rule->lanes[lane].kind == LANE_POOL)
            gpus[count++] = schedule->gpus[i].number;
    }
    return count;
}

/* What a running job's GPUs were at work from `from` on. A slot's time is counted up to the last event. */
static double busy_now(const Schedule *schedule, const ScheduleJob *job, double from, double now) {
    double busy = job->attempt.busy;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        if (gpu->cpu && gpu->job == job->job.id && !gpu->ended)
            busy += fmax(now - gpu->counted_at, 0);
    }
    const double began = job->attempt.from;
    return began >= from ? busy : busy * (now - from) / (now - began);
}

static Status sum_busy(const Schedule *schedule, double from, double now, double *seconds) {
    const Rule *rule = schedule->rule;
    *seconds = 0;
    for (int lane = 0; lane < rule->lane_count; lane++) {
        if (rule->lanes[lane].kind != LANE_POOL)
            continue;
        double busy;
        TRY(store_sum_busy(schedule->store, rule->lanes[lane].name, from, &busy));
        *seconds += busy;
        for (int64_t i = 0; i < schedule->job_count; i++)
            if (schedule->jobs[i]->attempt.number > 0 && schedule->jobs[i]->lane == lane)
                *seconds += busy_now(schedule, schedule->jobs[i], from, now);
    }
    return NULL;
}

static Status sum_time(const Schedule *schedule, double now, ClockView *clock) {
    const Rule *rule = schedule->rule;
    int gpus[POOL_GPUS];
    const int count = list_pool(schedule, gpus);
    const double from = clock->on ? rule->loan_from : 0, to = clock->on ? fmin(now, rule->loan_to) : now;
    double ledger[LEDGER_WHATS], busy, all = 0;
    TRY(store_sum_ledger(schedule->store, gpus, count, from, to, ledger));
    TRY(sum_busy(schedule, from, to, &busy));
    for (int i = 0; i < LEDGER_WHATS; i++)
        all += ledger[i];
    /* What gauges saw may be a look ahead of what was held. */
    clock->busy = fmin(busy, ledger[LEDGER_HELD]);
    clock->held = ledger[LEDGER_HELD] - clock->busy;
    if (clock->on) {
        all = count * fmax(to - from, 0);
        clock->left = count * (rule->loan_to - fmax(to, from));
    }
    clock->idle = fmax(all - clock->busy - clock->held, 0);
    clock->total = clock->busy + clock->held + clock->idle + clock->left;
    return NULL;
}

typedef struct {
    const Schedule *schedule;
    double usual, now;
    ClockView *clock;
} Outlook;

/* The queue is dry once the last job has started. A job is late when it would not be over before the loan is. */
static void take_estimate(void *context, const ScheduleJob *job, Estimate estimate) {
    const Outlook *outlook = context;
    ClockView *clock = outlook->clock;
    const double limit = job->job.wants.time_limit, start = estimate.start;
    const double last = limit > 0 ? limit : isnan(outlook->usual) ? 0 : outlook->usual;
    /* fmax() would leave out what is not known; a comparison with it is false. */
    if (isnan(start) || start - outlook->now > clock->dry_in)
        clock->dry_in = start - outlook->now;
    if ((isnan(start) ? outlook->now : start) + last > queue_loan_stop(outlook->schedule) &&
        clock->late_count < MOST_LATE)
        clock->late[clock->late_count++] = job->job.id;
}

Status schedule_clock(const Schedule *schedule, double now, ClockView *clock) {
    *clock = (ClockView){
        .on = schedule->rule->loan_to > 0, .filler = !schedule->filler_off, .paused = schedule->paused, .dry_in = NAN};
    memcpy(clock->paused_why, schedule->paused_why, sizeof clock->paused_why);
    for (int64_t i = 0; i < schedule->job_count; i++) {
        clock->waiting += schedule->jobs[i]->job.state == JOB_WAITING;
        clock->running += schedule->jobs[i]->attempt.number > 0;
    }
    TRY(sum_time(schedule, now, clock));
    Outlook outlook = {.schedule = schedule, .now = now, .clock = clock};
    TRY(store_usual_seconds(schedule->store, &outlook.usual));
    if (!schedule->ordered)
        return NULL;
    /* With the filler off it never does. */
    clock->dry_in = clock->waiting > 0 && (schedule->filler_off || schedule->paused) ? NAN : 0;
    estimate_each(schedule, outlook.usual, now, take_estimate, &outlook);
    return NULL;
}
