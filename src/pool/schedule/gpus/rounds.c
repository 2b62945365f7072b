/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpus/rounds.h"

#include "pool/schedule/gpus/condition.h"

#include <math.h>
#include <stdio.h>

void rounds_restart(ScheduleGpu *gpu, double now) {
    gpu->first = (Look){0};
    gpu->verdict = LOOK_UNKNOWN;
    gpu->verdict_why[0] = '\0';
    gpu->round_at = 0;
    gpu->next_look = now;
}

double rounds_next_sight(const Schedule *schedule) {
    const double every = schedule->rule->look_every;
    return (floor(schedule->now / every) + 1) * every;
}

static Look take_look(const ScheduleGpu *gpu, double now) {
    const GaugeSample *sample = &gpu->seen.sample;
    if (!sample->known)
        return (Look){.time = now, .util = NAN, .memory = -1, .processes = -1};
    return (Look){.time = now,
                  .util = sample->util,
                  .memory = sample->memory_used,
                  .processes = sample->process_count,
                  .known = true,
                  .unified = sample->memory_used < 0 && !sample->memory_failed && !isnan(sample->util)};
}

/* Whether the look shows work, and which. */
static bool find_work(const ScheduleGpu *gpu, const Look *look, const char *which, char why[POOL_REASON]) {
    if (look->util > 0) {
        snprintf(why, POOL_REASON, "the %s look shows %g %%", which, look->util);
        return true;
    }
    if (look->processes > 0) {
        snprintf(why, POOL_REASON, "the %s look shows %d process%s", which, look->processes,
                 look->processes > 1 ? "es" : "");
        return true;
    }
    if (gpus_is_excess(gpu, look->memory)) {
        snprintf(why, POOL_REASON, "the %s look shows %.1f GiB of memory without a process", which,
                 (double)look->memory / (1 << 30));
        return true;
    }
    return false;
}

/* Whether the look does not show all that it takes to call a GPU idle, and what it lacks. */
static bool find_gap(const ScheduleGpu *gpu, const Look *look, bool latest, char why[POOL_REASON]) {
    if (!look->known) {
        if (latest)
            snprintf(why, POOL_REASON, "the GPU does not answer: %s", gpu->seen.sample.why);
        else
            snprintf(why, POOL_REASON, "the GPU did not answer the first look");
        return true;
    }
    if (isnan(look->util)) {
        snprintf(why, POOL_REASON, "utilisation is not reported");
        return true;
    }
    if (look->processes < 0) {
        snprintf(why, POOL_REASON, "the list of processes is not reported");
        return true;
    }
    if (look->memory < 0 && !look->unified) {
        snprintf(why, POOL_REASON, "its memory cannot be read");
        return true;
    }
    return false;
}

static void judge_round(const ScheduleGpu *gpu, LookRound *round) {
    if (find_work(gpu, &round->first, "first", round->why) || find_work(gpu, &round->second, "second", round->why))
        round->verdict = LOOK_BUSY;
    else if (find_gap(gpu, &round->second, true, round->why) || find_gap(gpu, &round->first, false, round->why))
        round->verdict = LOOK_UNKNOWN;
    else
        round->verdict = LOOK_IDLE;
}

static bool keeps_rounds(const Schedule *schedule, const ScheduleGpu *gpu) {
    return gpu->lane >= 0 && schedule->rule->lanes[gpu->lane].kind != LANE_SERVICE;
}

Status rounds_look(Schedule *schedule, int index) {
    ScheduleGpu *gpu = &schedule->gpus[index];
    const double now = schedule->now;
    if (now < gpu->next_look)
        return NULL;
    const Look look = take_look(gpu, now);
    if (gpu->first.time == 0) {
        gpu->first = look;
        gpu->next_look = now + schedule->rule->look_gap;
        return NULL;
    }
    LookRound round = {.gpu = gpu->number, .first = gpu->first, .second = look};
    judge_round(gpu, &round);
    gpu->first = (Look){0};
    gpu->verdict = round.verdict;
    snprintf(gpu->verdict_why, sizeof gpu->verdict_why, "%s", round.why);
    gpu->round_at = now;
    gpu->next_look = now + schedule->rule->look_every;
    return keeps_rounds(schedule, gpu) ? store_add_look(schedule->store, &round) : NULL;
}
