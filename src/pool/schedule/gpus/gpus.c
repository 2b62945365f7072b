/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpus/gpus.h"

#include "pool/schedule/gpus/condition.h"
#include "pool/schedule/gpus/gpu_facts.h"
#include "pool/schedule/gpus/rounds.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int gpus_find(const Schedule *schedule, int64_t number) {
    for (int i = 0; i < schedule->gpu_count; i++)
        if (schedule->gpus[i].number == number)
            return i;
    return -1;
}

bool gpus_may_lease(const Schedule *schedule, int index, int64_t job) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    const GpuState state = gpus_condition(schedule, index, NULL);
    return state == GPU_FREE || (state == GPU_RESERVED && gpu->reserved_for == job);
}

bool gpus_idle_twice(const Schedule *schedule, int index) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    return gpu->cpu || (gpu->round_at > 0 && gpu->verdict == LOOK_IDLE);
}

void gpus_reserve(Schedule *schedule, int index, int64_t job) {
    schedule->gpus[index].reserved_for = job;
}

static Status take_gpu(Schedule *schedule, int index, int64_t job, uid_t uid, int64_t epoch) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    if (!gpus_may_lease(schedule, index, job))
        return status_error(EXIT_INTERNAL, "gpu %d: leased to job %" PRId64 " while it is %s", gpu->number, job,
                            gpu_state_name(gpus_condition(schedule, index, NULL)));
    TRY(store_take_lease(schedule->store, gpu->number, job, epoch));
    gpu->job = job;
    gpu->epoch = epoch;
    gpu->uid = uid;
    gpu->leased_at = gpu->counted_at = gpu->kept_at = schedule->now;
    gpu->counted_joules = gpu->seen.sample.known ? gpu->seen.sample.joules : NAN;
    gpu->ended = false;
    gpu->reserved_for = 0;
    rounds_restart(gpu, rounds_next_sight(schedule));
    return NULL;
}

Status gpus_take(Schedule *schedule, const int *indices, int count, int64_t job, uid_t uid, int64_t epoch) {
    for (int i = 0; i < count; i++)
        TRY(take_gpu(schedule, indices[i], job, uid, epoch));
    return NULL;
}

Status gpus_release(Schedule *schedule, int index) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    TRY(store_drop_lease(schedule->store, gpu->number));
    gpu->job = gpu->epoch = 0;
    gpu->ended = false;
    rounds_restart(gpu, schedule->now);
    return NULL;
}

static Status put_line(Schedule *schedule, ScheduleGpu *gpu, const LedgerLine *line) {
    gpu->line = *line;
    return store_put_ledger(schedule->store, line);
}

static Status put_unseen(Schedule *schedule, ScheduleGpu *gpu, double from) {
    LedgerLine line = {.gpu = gpu->number, .from = from, .what = LEDGER_UNSEEN, .uid = -1};
    snprintf(line.reason, sizeof line.reason, "no daemon ran");
    return put_line(schedule, gpu, &line);
}

static Status restore_lease(void *context, int number, int64_t job, int64_t epoch) {
    Schedule *schedule = context;
    const int index = gpus_find(schedule, number);
    if (index < 0)
        return NULL; /* it is no longer in the rule */
    ScheduleGpu *gpu = &schedule->gpus[index];
    const ScheduleJob *holder = queue_find(schedule, job);
    gpu->job = job;
    gpu->epoch = epoch;
    if (holder && holder->attempt.number && holder->attempt.epoch == epoch) {
        gpu->uid = holder->job.uid;
        gpu->leased_at = holder->attempt.from;
        return NULL;
    }
    gpu->uid = gpu->line.job == job ? gpu->line.uid : -1;
    gpu->leased_at = gpu->ended_at = schedule->now;
    gpu->ended = true;
    return NULL;
}

static Status open_gpu(Schedule *schedule, const RuleGpu *rule, ScheduleGpu *gpu) {
    *gpu = (ScheduleGpu){.number = rule->number, .lane = rule->lane, .cpu = rule->cpu, .counted_joules = NAN};
    memcpy(gpu->id, rule->id, sizeof gpu->id);
    gauges_unknown(&gpu->seen.sample, schedule->now, "not looked at yet");
    TRY(gpu_facts_read(schedule, gpu));
    bool found;
    TRY(store_open_ledger(schedule->store, gpu->number, &gpu->line, &found));
    if (!found)
        gpu->line = (LedgerLine){0};
    if (gpu->line.from > schedule->now)
        schedule->now = gpu->line.from;
    return NULL;
}

Status gpus_open(Schedule *schedule) {
    schedule->gpu_count = schedule->rule->gpu_count;
    for (int i = 0; i < schedule->gpu_count; i++)
        TRY(open_gpu(schedule, &schedule->rule->gpus[i], &schedule->gpus[i]));
    TRY(store_each_lease(schedule->store, restore_lease, schedule));
    for (int i = 0; i < schedule->gpu_count; i++) {
        ScheduleGpu *gpu = &schedule->gpus[i];
        gpu->counted_at = gpu->kept_at = schedule->now;
        rounds_restart(gpu, schedule->now);
        if (gpu->job && gpu->ended && (gpu->cpu || gpu->quarantined))
            TRY(gpus_release(schedule, i));
    }
    return NULL;
}

Status gpus_start_unseen(Schedule *schedule) {
    double seen;
    TRY(store_get_fact(schedule->store, "seen", &seen));
    for (int i = 0; i < schedule->gpu_count; i++) {
        ScheduleGpu *gpu = &schedule->gpus[i];
        if (gpu->line.from == 0)
            continue;
        const double last = isnan(seen) ? schedule->now : fmin(seen, schedule->now);
        gpu->unseen_from = fmax(gpu->line.from, last);
        gpu->unclaimed = gpu->job && !gpu->ended;
        if (!gpu->unclaimed)
            TRY(put_unseen(schedule, gpu, gpu->unseen_from));
    }
    return NULL;
}

void gpus_adopt(Schedule *schedule, int64_t job) {
    for (int i = 0; i < schedule->gpu_count; i++)
        if (schedule->gpus[i].job == job) {
            schedule->gpus[i].unclaimed = false;
            schedule->gpus[i].reworded = true;
        }
}

/* A slot has no gauges: its job counts as at work. */
static void count_slot(Schedule *schedule, ScheduleGpu *gpu) {
    ScheduleJob *job = queue_find(schedule, gpu->job);
    if (job)
        job->attempt.busy += schedule->now - gpu->counted_at;
    gpu->counted_at = schedule->now;
}

static Status drain_gpu(Schedule *schedule, int index) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    if (gpu->unclaimed)
        TRY(put_unseen(schedule, gpu, gpu->unseen_from));
    gpu->unclaimed = false;
    if (gpu->cpu)
        count_slot(schedule, gpu);
    if (gpu->cpu || gpu->quarantined)
        return gpus_release(schedule, index);
    gpu->ended = true;
    gpu->ended_at = gpu->next_look = schedule->now;
    gpu->fresh = false;
    return NULL;
}

Status gpus_drain(Schedule *schedule, int64_t job) {
    for (int i = 0; i < schedule->gpu_count; i++)
        if (schedule->gpus[i].job == job && !schedule->gpus[i].ended)
            TRY(drain_gpu(schedule, i));
    return NULL;
}

Status gpus_quarantine(Schedule *schedule, int index, const char *why) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    if (gpu->quarantined)
        return NULL;
    gpu->quarantined = true;
    snprintf(gpu->quarantine_why, sizeof gpu->quarantine_why, "%s", why);
    TRY(gpu_facts_keep(schedule, gpu));
    if (gpu->job && gpu->ended)
        TRY(gpus_release(schedule, index));
    return schedule_add_notice(schedule, "quarantine", 0, gpu->number,
                               "gpu %d is quarantined: %s; pool gpu %d clear takes it back", gpu->number, why,
                               gpu->number);
}

Status gpus_early_failure(Schedule *schedule, int index, int64_t job) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    const int most = (int)(sizeof gpu->early_jobs / sizeof gpu->early_jobs[0]);
    for (int i = 0; i < gpu->early_failures; i++)
        if (gpu->early_jobs[i] == job)
            return NULL;
    if (gpu->early_failures < most)
        gpu->early_jobs[gpu->early_failures++] = job;
    if (gpu->early_failures < most)
        return NULL;
    char why[POOL_REASON];
    snprintf(why, sizeof why,
             "jobs %" PRId64 ", %" PRId64 " and %" PRId64 ", three in a row, failed soon after their start here",
             gpu->early_jobs[0], gpu->early_jobs[1], gpu->early_jobs[2]);
    return gpus_quarantine(schedule, index, why);
}

void gpus_worked(Schedule *schedule, int index) {
    schedule->gpus[index].early_failures = 0;
}

static LedgerWhat ledger_of(GpuState state) {
    switch (state) {
    case GPU_HELD:
        return LEDGER_HELD;
    case GPU_DRAINING:
        return LEDGER_DRAINING;
    case GPU_FOREIGN:
    case GPU_GHOST:
        return LEDGER_FOREIGN;
    case GPU_QUARANTINED:
        return LEDGER_QUARANTINED;
    default:
        return LEDGER_IDLE;
    }
}

static Status settle_line(Schedule *schedule, ScheduleGpu *gpu) {
    LedgerLine line = {.gpu = gpu->number, .from = schedule->now, .what = ledger_of(gpu->state), .uid = -1};
    memcpy(line.reason, gpu->reason, sizeof line.reason);
    if (gpu->job && (line.what == LEDGER_HELD || line.what == LEDGER_DRAINING)) {
        line.job = gpu->job;
        line.epoch = gpu->epoch;
        line.uid = gpu->uid;
    }
    const LedgerLine *open = &gpu->line;
    if (open->from > 0 && open->what == line.what && open->job == line.job && open->epoch == line.epoch &&
        strcmp(open->reason, line.reason) == 0)
        return NULL;
    return put_line(schedule, gpu, &line);
}

static Status settle_gpu(Schedule *schedule, int index) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    char reason[POOL_REASON];
    if (gpu->job && gpu->ended && schedule->now >= gpu->ended_at + GPU_CLEAR_WITHIN) {
        char why[POOL_REASON];
        gpus_is_clear(gpu, reason);
        snprintf(why, sizeof why, "%d s after job %" PRId64 " ended: %.180s", GPU_CLEAR_WITHIN, gpu->job, reason);
        TRY(gpus_quarantine(schedule, index, why));
    }
    if (gpu->cpu && gpu->job)
        count_slot(schedule, gpu);
    /* The commonest case, recognised without a reason in words. */
    if (gpu->job && !gpu->ended && !gpu->quarantined && !gpu->reworded && gpu->state == GPU_HELD &&
        (gpu->unclaimed || gpu->line.epoch == gpu->epoch))
        return NULL;
    gpu->reworded = false;
    const GpuState state = gpus_condition(schedule, index, reason);
    if (state != gpu->state || gpu->since == 0)
        gpu->since = schedule->now;
    gpu->state = state;
    memcpy(gpu->reason, reason, sizeof gpu->reason);
    return gpu->unclaimed ? NULL : settle_line(schedule, gpu);
}

Status gpus_settle(Schedule *schedule) {
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        const bool ages = gpu->job && (gpu->ended || gpu->cpu);
        if (schedule->observed < 0 || schedule->observed == i || ages)
            TRY(settle_gpu(schedule, i));
    }
    return NULL;
}
