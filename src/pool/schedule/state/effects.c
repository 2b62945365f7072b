/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/effects.h"

#include "base/list.h"
#include "pool/schedule/state/queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

Status schedule_add_effect(Schedule *schedule, const Effect *effect) {
    TRY(list_grow(&schedule->effects, schedule->effect_count, &schedule->effect_capacity, sizeof *effect,
                  "what the pool has to do"));
    schedule->effects[schedule->effect_count++] = *effect;
    return NULL;
}

Status schedule_add_notice(Schedule *schedule, const char *event, int64_t job, int gpu, const char *format, ...) {
    Effect effect = {.kind = EFFECT_NOTIFY, .job = job, .gpu = gpu};
    snprintf(effect.event, sizeof effect.event, "%s", event);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(effect.text, sizeof effect.text, format, arguments);
    va_end(arguments);
    return schedule_add_effect(schedule, &effect);
}

/* Memory has no requests: together they may be larger than all else. */
static void start_job(const Schedule *schedule, const ScheduleJob *job) {
    Job complete;
    bool found;
    Status status = store_get_job(schedule->store, job->job.id, &complete, &found);
    schedule->host.start(schedule->host.context, status || !found ? &job->job : &complete, &job->attempt);
    status_free(status);
    job_free(&complete);
}

static void do_effect(Schedule *schedule, const Effect *effect) {
    const ScheduleHost *host = &schedule->host;
    if (effect->kind == EFFECT_NOTIFY) {
        host->notify(host->context, effect->event, effect->text, effect->job, effect->gpu);
        return;
    }
    /* An effect before this one may have ended the job. */
    const ScheduleJob *job = queue_find(schedule, effect->job);
    if (!job || job->attempt.number == 0)
        return;
    if (effect->kind == EFFECT_START)
        start_job(schedule, job);
    else
        host->stop(host->context, &job->job, &job->attempt, effect->signal);
}

void schedule_do_effects(Schedule *schedule) {
    /* The list is taken away first: the host's answer to an effect is an event with effects of its own. */
    Effect *effects = schedule->effects;
    const int64_t count = schedule->effect_count;
    schedule->effects = NULL;
    schedule->effect_count = schedule->effect_capacity = 0;
    for (int64_t i = 0; i < count; i++)
        do_effect(schedule, &effects[i]);
    free(effects);
}

void schedule_drop_effects(Schedule *schedule) {
    schedule->effect_count = 0;
}
