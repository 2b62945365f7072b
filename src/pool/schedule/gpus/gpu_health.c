/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpus/gpu_health.h"

#include "pool/schedule/gpus/condition.h"
#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/queue_stop.h"

#include <inttypes.h>
#include <stdio.h>

static Status stop_job(Schedule *schedule, const ScheduleGpu *gpu, const char *why) {
    return gpu->job && !gpu->ended ? queue_stop(schedule, gpu->job, why) : NULL;
}

static Status check_heat(Schedule *schedule, ScheduleGpu *gpu) {
    const Rule *rule = schedule->rule;
    const double celsius = gpu->seen.sample.celsius;
    if (celsius < rule->warn_celsius - GPU_COOLS)
        gpu->hot = gpu->stop_hot = false;
    if (celsius >= rule->warn_celsius && !gpu->hot) {
        gpu->hot = true;
        TRY(schedule_add_notice(schedule, "gpu_hot", gpu->job, gpu->number,
                                "gpu %d is at %.0f C; no job starts on it until it is below %.0f C", gpu->number,
                                celsius, rule->warn_celsius - GPU_COOLS));
    }
    if (celsius >= rule->stop_celsius && !gpu->stop_hot) {
        gpu->stop_hot = true;
        char why[POOL_REASON];
        snprintf(why, sizeof why, "GPU %d is at %.0f C", gpu->number, celsius);
        TRY(stop_job(schedule, gpu, why));
    }
    return NULL;
}

/* An error of the driver's after which only a reset helps; NULL: there is none. */
static const Xid *find_error(const Schedule *schedule, const GaugeSample *sample) {
    for (int i = 0; schedule->xids && i < sample->xid_count && i < GAUGE_XIDS; i++) {
        const Xid *xid = xid_table_find(schedule->xids, sample->xids[i]);
        if (xid && xid->action == XID_RESET_GPU)
            return xid;
    }
    return NULL;
}

/* Why gauges say that no job can be trusted to it; "": they do not. */
static void find_damage(const Schedule *schedule, const ScheduleGpu *gpu, char why[POOL_REASON]) {
    const Xid *error = find_error(schedule, &gpu->seen.sample);
    const GaugeSample *sample = &gpu->seen.sample;
    why[0] = '\0';
    if (sample->lost)
        snprintf(why, POOL_REASON, "it is lost: %s", sample->why);
    else if (sample->known && sample->remap_failed)
        snprintf(why, POOL_REASON, "a damaged row of its memory could not be replaced");
    else if (sample->known && sample->ecc_uncorrected > gpu->uncorrected)
        snprintf(why, POOL_REASON, "%" PRId64 " errors of its memory could not be corrected",
                 sample->ecc_uncorrected - gpu->uncorrected);
    else if (sample->known && error)
        snprintf(why, POOL_REASON, "XID %d: %s; %s", error->code, error->name, xid_advice(error->action));
}

static Status check_damage(Schedule *schedule, int index) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    char damage[POOL_REASON], why[POOL_REASON + 32];
    find_damage(schedule, gpu, damage);
    if (damage[0] == '\0' || gpu->quarantined)
        return NULL;
    if (gpu->seen.sample.lost)
        TRY(schedule_add_notice(schedule, "gpu_lost", gpu->job, gpu->number, "gpu %d: %s", gpu->number, damage));
    snprintf(why, sizeof why, "GPU %d: %s", gpu->number, damage);
    TRY(stop_job(schedule, gpu, why));
    return gpus_quarantine(schedule, index, damage);
}

Status gpu_health_check(Schedule *schedule, int index) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    if (gpu->seen.sample.known)
        TRY(check_heat(schedule, gpu));
    /* After a restart of the driver the count starts at 0 again. */
    if (gpu->seen.sample.known && gpu->seen.sample.ecc_uncorrected >= 0 &&
        gpu->seen.sample.ecc_uncorrected < gpu->uncorrected)
        gpu->uncorrected = gpu->seen.sample.ecc_uncorrected;
    return check_damage(schedule, index);
}
