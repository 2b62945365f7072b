/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpu_watch.h"

#include "pool/schedule/gpus/condition.h"
#include "pool/schedule/gpus/gpu_facts.h"
#include "pool/schedule/gpus/gpu_health.h"
#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/gpus/rounds.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/transaction.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Seconds between observations of a GPU that drains: it is to be free within 2 s of what gauges show. */
static const double DRAIN_EVERY = 0.5;
/* Seconds at work after which the database gets an attempt's count, which a kill of the daemon would lose. */
static const double KEEP_EVERY = 60;

typedef struct {
    int index;
    const Observation *seen;
} Sight;

/* What the job did since the observation before. */
static Status count_work(Schedule *schedule, ScheduleGpu *gpu, const GaugeSample *sample) {
    ScheduleJob *job = gpu->job && !gpu->ended ? queue_find(schedule, gpu->job) : NULL;
    if (!job)
        return NULL;
    if (sample->known && sample->util > 0) {
        job->attempt.busy += schedule->now - gpu->counted_at;
        job->progress = schedule->now;
    }
    gpu->counted_at = schedule->now;
    if (sample->known && sample->joules >= gpu->counted_joules)
        job->attempt.joules += sample->joules - gpu->counted_joules;
    if (sample->known)
        gpu->counted_joules = sample->joules;
    if (schedule->now < gpu->kept_at + KEEP_EVERY)
        return NULL;
    gpu->kept_at = schedule->now;
    return store_put_attempt(schedule->store, &job->attempt);
}

static void keep_sight(ScheduleGpu *gpu, const Observation *seen, double now) {
    const ForeignProcess *before = &gpu->seen.foreign;
    const bool same = gpu->foreign_why[0] && before->pid == seen->foreign.pid && before->since == seen->foreign.since;
    char why[POOL_REASON];
    gpus_name_foreign(seen, why);
    /* The same process with other figures keeps its words: they are lines of the ledger. */
    if ((!same || why[0] == '\0') && strcmp(gpu->foreign_why, why) != 0) {
        memcpy(gpu->foreign_why, why, sizeof gpu->foreign_why);
        gpu->reworded = true;
    }
    gpu->seen = *seen;
    gpu->seen_at = now;
    gpu->fresh = seen->sample.time >= gpu->ended_at;
}

/* The least memory that is seen without a process is what the idle GPU uses. */
static Status learn_baseline(Schedule *schedule, ScheduleGpu *gpu) {
    const GaugeSample *sample = &gpu->seen.sample;
    if (!sample->known || sample->process_count != 0 || sample->memory_used < 0)
        return NULL;
    if (gpu->baseline >= 0 ? sample->memory_used >= gpu->baseline : gpus_is_excess(gpu, sample->memory_used))
        return NULL;
    gpu->baseline = sample->memory_used;
    return gpu_facts_keep(schedule, gpu);
}

static Status see_gpu(Schedule *schedule, void *context) {
    const Sight *sight = context;
    ScheduleGpu *gpu = &schedule->gpus[sight->index];
    schedule->observed = sight->index;
    TRY(count_work(schedule, gpu, &sight->seen->sample));
    keep_sight(gpu, sight->seen, schedule->now);
    TRY(learn_baseline(schedule, gpu));
    TRY(gpu_health_check(schedule, sight->index));
    if (gpu->job && gpu->ended && gpus_is_clear(gpu, NULL))
        TRY(gpus_release(schedule, sight->index));
    if (!gpu->job)
        return rounds_look(schedule, sight->index);
    gpu->next_look = gpu->ended ? schedule->now + DRAIN_EVERY : rounds_next_sight(schedule);
    return NULL;
}

void schedule_use_xids(Schedule *schedule, const XidTable *xids) {
    schedule->xids = xids;
}

Status schedule_observe(Schedule *schedule, int index, const Observation *seen, double now) {
    Sight sight = {index, seen};
    return schedule_transaction(schedule, now, see_gpu, &sight);
}

int schedule_wants_looks(const Schedule *schedule, double now, bool *wanted, double *next) {
    int count = 0;
    *next = INFINITY;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        wanted[i] = !gpu->cpu && gpu->next_look <= now;
        count += wanted[i];
        if (!gpu->cpu && !wanted[i])
            *next = fmin(*next, gpu->next_look);
    }
    return count;
}

typedef struct {
    const Caller *caller;
    int index;
    bool drain;
} GpuOrder;

static void clear_gpu(const Schedule *schedule, ScheduleGpu *gpu) {
    const GaugeSample *sample = &gpu->seen.sample;
    gpu->quarantined = gpu->drained = false;
    gpu->early_failures = 0;
    if (sample->known && sample->ecc_uncorrected >= 0)
        gpu->uncorrected = sample->ecc_uncorrected;
    /* What a ghost uses is from now on what the idle GPU uses. */
    if (sample->known && sample->process_count == 0 && sample->memory_used >= 0)
        gpu->baseline = sample->memory_used;
    if (!gpu->job)
        rounds_restart(gpu, schedule->now);
}

static Status order_gpu(Schedule *schedule, void *context) {
    const GpuOrder *order = context;
    ScheduleGpu *gpu = &schedule->gpus[order->index];
    char what[32];
    snprintf(what, sizeof what, "gpu %d", gpu->number);
    if (order->drain) {
        gpu->drained = true;
        snprintf(gpu->drained_by, sizeof gpu->drained_by, "%s", order->caller->user);
    } else {
        clear_gpu(schedule, gpu);
    }
    gpu->reworded = true;
    TRY(gpu_facts_keep(schedule, gpu));
    return store_add_audit(schedule->store, &(AuditLine){.time = schedule->now,
                                                         .uid = order->caller->uid,
                                                         .user = order->caller->user,
                                                         .action = order->drain ? "drain" : "clear",
                                                         .what = what,
                                                         .detail = ""});
}

/* The admins as a list for people. */
static void list_admins(const Rule *rule, char text[POOL_REASON]) {
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < rule->admin_count && length < POOL_REASON; i++)
        length += (size_t)snprintf(text + length, POOL_REASON - length, "%s%s", i ? ", " : "", rule->admins[i]);
}

Status schedule_gpu(Schedule *schedule, const Caller *caller, int gpu, bool drain, double now) {
    GpuOrder order = {caller, gpus_find(schedule, gpu), drain};
    if (!rule_is_admin(schedule->rule, caller->uid, caller->user)) {
        char admins[POOL_REASON];
        list_admins(schedule->rule, admins);
        return status_error(EXIT_REFUSED, "gpu %d: %s may not %s it; an admin may (%s)", gpu, caller->user,
                            drain ? "drain" : "clear", admins);
    }
    if (order.index < 0)
        return status_error(EXIT_USAGE, "the rule has no GPU %d; see pool status", gpu);
    return schedule_transaction(schedule, now, order_gpu, &order);
}

int schedule_gpu_count(const Schedule *schedule) {
    return schedule->gpu_count;
}

void schedule_gpu_view(const Schedule *schedule, int index, GpuView *view) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    *view = (GpuView){.gpu = gpu->number,
                      .lane = gpu->lane,
                      .state = gpu->state,
                      .since = gpu->since,
                      .job = gpu->job,
                      .epoch = gpu->epoch,
                      .next_round = gpu->cpu || gpu->job ? 0 : gpu->next_look,
                      .seen = gpu->seen};
    memcpy(view->reason, gpu->reason, sizeof view->reason);
}

/* When the state is expected to end; NAN: not known. */
static double expect_change(const Schedule *schedule, const ScheduleGpu *gpu) {
    const ScheduleJob *job = gpu->job ? queue_find(schedule, gpu->job) : NULL;
    switch (gpu->state) {
    case GPU_HELD:
        return job && job->job.wants.time_limit > 0 ? gpu->leased_at + job->job.wants.time_limit : NAN;
    case GPU_FREE:
        return gpu->cpu || gpus_idle_twice(schedule, (int)(gpu - schedule->gpus)) ? NAN : gpu->next_look;
    default:
        return NAN;
    }
}

void schedule_why_gpu(const Schedule *schedule, int gpu, double now, WhyView *why) {
    *why = (WhyView){.expected = NAN, .gpu = gpu};
    const int index = gpus_find(schedule, gpu);
    if (index < 0) {
        snprintf(why->reason, sizeof why->reason, "the rule has no gpu %d", gpu);
        return;
    }
    const ScheduleGpu *found = &schedule->gpus[index];
    char more[POOL_REASON] = "";
    if (found->state == GPU_QUARANTINED)
        snprintf(more, sizeof more, "; an admin clears it: pool gpu %d clear", gpu);
    else if (found->state == GPU_DRAINING && found->job && !gpus_is_clear(found, why->reason))
        snprintf(more, sizeof more, ": %.180s; quarantined if that lasts for %.0f s more", why->reason,
                 fmax(GPU_CLEAR_WITHIN - (now - found->ended_at), 0));
    else if (found->state == GPU_DRAINING && !found->job)
        snprintf(more, sizeof more, "; an admin gives it back: pool gpu %d clear", gpu);
    else if (found->state == GPU_FREE && found->round_at > 0 && found->verdict != LOOK_IDLE)
        snprintf(more, sizeof more, "; of the last two, %s", found->verdict_why);
    snprintf(why->reason, sizeof why->reason, "%s%s", found->reason, more);
    why->expected = expect_change(schedule, found);
}
