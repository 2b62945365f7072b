/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/fit.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/state/claims.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/reason_words.h"

#include <stdio.h>
#include <string.h>

static Status check_gpus(const Schedule *schedule, JobWants *wants) {
    if (wants->gpu_id_count < 0 || wants->gpu_id_count > POOL_GPUS)
        return status_error(EXIT_USAGE, "%d GPUs by number: at most %d", wants->gpu_id_count, POOL_GPUS);
    for (int i = 0; i < wants->gpu_id_count; i++) {
        if (gpus_find(schedule, wants->gpu_ids[i]) < 0)
            return status_error(EXIT_USAGE, "the rule has no GPU %d; see pool status", wants->gpu_ids[i]);
        for (int j = 0; j < i; j++)
            if (wants->gpu_ids[j] == wants->gpu_ids[i])
                return status_error(EXIT_USAGE, "gpu %d is named twice", wants->gpu_ids[i]);
    }
    if (wants->gpus == 0)
        wants->gpus = wants->gpu_id_count > 0 ? wants->gpu_id_count : 1;
    if (wants->gpus < 0 || (wants->gpu_id_count > 0 && wants->gpus > wants->gpu_id_count))
        return status_error(EXIT_USAGE, "%d GPUs out of %d that are named by number", wants->gpus, wants->gpu_id_count);
    return NULL;
}

/* The lane of the GPUs that are named, or the first of a kind that the caller may use; -1: none. */
static int find_lane(const Schedule *schedule, const Caller *caller, const JobWants *wants) {
    if (wants->gpu_id_count > 0)
        return schedule->gpus[gpus_find(schedule, wants->gpu_ids[0])].lane;
    const Rule *rule = schedule->rule;
    for (int kind = LANE_POOL; kind <= LANE_OWNER; kind++)
        for (int i = 0; i < rule->lane_count; i++)
            if ((int)rule->lanes[i].kind == kind && rule_may_use(rule, i, caller->uid, caller->user))
                return i;
    return -1;
}

static Status refuse_lane(const Lane *lane, const char *user) {
    if (lane->kind == LANE_SERVICE)
        return status_error(EXIT_REFUSED, "lane %s is kept for a service: no job runs there", lane->name);
    if (lane->kind == LANE_OWNER)
        return status_error(EXIT_REFUSED, "lane %s is %s's alone", lane->name, lane->owner);
    return status_error(EXIT_REFUSED, "lane %s: %s is no member of this pool", lane->name, user);
}

static Status check_lane(const Schedule *schedule, const Caller *caller, JobWants *wants) {
    const Rule *rule = schedule->rule;
    int lane = wants->lane[0] ? rule_lane(rule, wants->lane) : find_lane(schedule, caller, wants);
    if (wants->lane[0] && lane < 0)
        return status_error(EXIT_USAGE, "lane %s: the rule has no such lane; see pool rule", wants->lane);
    if (lane < 0)
        return status_error(EXIT_REFUSED, "%s may use no lane of this pool; see pool rule", caller->user);
    if (!rule_may_use(rule, lane, caller->uid, caller->user))
        return refuse_lane(&rule->lanes[lane], caller->user);
    snprintf(wants->lane, sizeof wants->lane, "%s", rule->lanes[lane].name);
    for (int i = 0; i < wants->gpu_id_count; i++)
        if (schedule->gpus[gpus_find(schedule, wants->gpu_ids[i])].lane != lane)
            return status_error(EXIT_USAGE, "gpu %d is not in lane %s", wants->gpu_ids[i], wants->lane);
    return NULL;
}

static Status check_count(const Schedule *schedule, const ScheduleJob *job) {
    int count = 0, large = 0;
    int64_t most = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        if (!queue_may_use(schedule, job, i))
            continue;
        const int64_t limit = claims_gpu_limit(&schedule->gpus[i]);
        count++;
        large += limit < 0 || job->job.wants.gpu_memory <= limit;
        most = limit > most ? limit : most;
    }
    const JobWants *wants = &job->job.wants;
    if (wants->gpus > count)
        return status_error(EXIT_REFUSED, "the job asks for %d GPUs, and lane %s has %d", wants->gpus, wants->lane,
                            count);
    if (wants->gpu_memory > 0 && large < wants->gpus)
        return status_error(EXIT_REFUSED,
                            "the job asks for %s on %d GPU%s; %d of lane %s have that, the largest has %s",
                            reason_bytes(wants->gpu_memory).text, wants->gpus, wants->gpus > 1 ? "s" : "", large,
                            wants->lane, reason_bytes(most).text);
    return NULL;
}

static Status check_host(const Schedule *schedule, const ScheduleJob *job) {
    const int64_t limit = claims_limit(schedule), claim = claims_of(schedule, job);
    if (limit < 0 || claim <= limit)
        return NULL;
    return status_error(
        EXIT_REFUSED,
        "the job asks for %s of the host's memory, and jobs may use %s: the host has %s, of which %s stay "
        "free",
        reason_bytes(claim).text, reason_bytes(limit).text, reason_bytes(schedule->host_memory).text,
        reason_bytes(schedule->rule->host_free).text);
}

Status fit_wants(const Schedule *schedule, const Caller *caller, Job *job) {
    TRY(check_gpus(schedule, &job->wants));
    TRY(check_lane(schedule, caller, &job->wants));
    /* A copy of the job for questions; it owns nothing. */
    const ScheduleJob candidate = {.job = *job, .lane = rule_lane(schedule->rule, job->wants.lane)};
    TRY(check_count(schedule, &candidate));
    return check_host(schedule, &candidate);
}
