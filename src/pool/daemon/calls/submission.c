/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "4096" or "unlimited". */
static rlim_t read_limit(const char *word) {
    return strncmp(word, "unlimited", 9) == 0 ? RLIM_INFINITY : (rlim_t)strtoull(word, NULL, 10);
}

/* A root daemon could give more than the submitter has. prlimit(2) of another user's process takes a capability that
 * root lacks in containers. /proc has a line for each limit in the order of their numbers, below a title: 26 columns of
 * name, 21 of the soft limit, then the hard one. */
static Status cap_limits(pid_t client, Request *request) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/limits", (long)client);
    FILE *file = fopen(path, "re");
    if (!file)
        return status_error(EXIT_REFUSED, "the client went away");
    bool read = fgets(line, sizeof line, file);
    for (int i = 0; i < REQUEST_LIMITS && read; i++) {
        read = fgets(line, sizeof line, file) && strlen(line) > 47;
        struct rlimit *asked = &request->limits[i];
        const rlim_t hard = read ? read_limit(line + 47) : 0;
        if (hard < asked->rlim_max)
            asked->rlim_max = hard;
        if (asked->rlim_max < asked->rlim_cur)
            asked->rlim_cur = asked->rlim_max;
    }
    fclose(file);
    return read ? NULL : status_error(EXIT_REFUSED, "the limits of the client are not known: it went away");
}

/* Whether a job may be for that lane as far as its GPUs and its user are concerned. */
static bool suits_lane(const Daemon *daemon, const Call *call, const JobWants *wants, int lane) {
    const Rule *rule = &daemon->rule;
    if (rule->lanes[lane].kind == LANE_SERVICE || !rule_may_use(rule, lane, call->caller.uid, call->caller.user))
        return false;
    const int first = wants->gpu_id_count > 0 ? rule_gpu(rule, wants->gpu_ids[0]) : -1;
    return first < 0 ? rule->lanes[lane].kind == LANE_POOL : rule->gpus[first].lane == lane;
}

static Status choose_lane(const Daemon *daemon, const Call *call, JobWants *wants) {
    for (int i = 0; i < daemon->rule.lane_count && !wants->lane[0]; i++)
        if (suits_lane(daemon, call, wants, i))
            snprintf(wants->lane, sizeof wants->lane, "%s", daemon->rule.lanes[i].name);
    if (wants->lane[0])
        return NULL;
    return status_error(EXIT_REFUSED, "no lane with such GPUs is for %s: pool rule says who may use which",
                        call->caller.user);
}

static Status copy_text(const char *text, char **copy) {
    *copy = strdup(text ? text : "");
    return *copy ? NULL : status_no_memory("a job", 0);
}

/* Moves the wants, and copies the rest. */
static Status fill_job(Request *request, Job *job) {
    job->wants = request->wants;
    request->wants.after = NULL;
    request->wants.after_count = 0;
    job->micro_batch = request->micro_batch;
    TRY(copy_text(request->name, &job->name));
    TRY(copy_text(request->run_dir, &job->run_dir));
    TRY(copy_text(request->sweep, &job->sweep));
    TRY(copy_text(request->trial, &job->trial));
    return request_command(request, &job->command);
}

Status submission_read(const Daemon *daemon, const Call *call, bool foreground, Request *request, Job *job) {
    *job = (Job){.uid = call->caller.uid, .end = {.exit = -1}};
    *request = (Request){0};
    snprintf(job->user, sizeof job->user, "%s", call->caller.user);
    const cJSON *object = cJSON_GetObjectItem(call->arguments, "request");
    if (!object)
        return status_error(EXIT_USAGE, "the call has no request");
    TRY(request_read(object, request));
    TRY(cap_limits(call->peer->pid, request));
    request->wants.foreground = foreground;
    TRY(choose_lane(daemon, call, &request->wants));
    TRY(request_print(request, &job->request));
    return fill_job(request, job);
}
