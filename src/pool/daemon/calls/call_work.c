/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/call_work.h"
#include "base/files.h"
#include "pool/daemon/calls/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- New jobs ----------------------------------------------------------------------------------------------------- */

static void answer_job_number(Call *call, int64_t job) {
    json_object(&call->json, NULL, JSON_COMPACT);
    json_integer(&call->json, "job", job);
    json_end(&call->json);
}

static void answer_text(Call *call, const char *text) {
    json_object(&call->json, NULL, JSON_COMPACT);
    json_string(&call->json, "text", text);
    json_end(&call->json);
}

/* Queues a job, or says what would happen; *number 0: nothing was queued. */
static Status submit_job(Daemon *daemon, Call *call, bool foreground, int64_t *number) {
    Request request;
    Job job;
    char *text = NULL;
    *number = 0;
    Status status = submission_read(daemon, call, foreground, &request, &job);
    const bool dry_run = request.dry_run;
    if (!status)
        status = schedule_submit(daemon->schedule, &call->caller, &job, foreground && request.now, dry_run, &text,
                                 daemon_now(daemon));
    if (!status && !dry_run)
        *number = job.id;
    if (!status && dry_run)
        answer_text(call, text ? text : "");
    /* On success the texts are the schedule's. */
    if (status || dry_run)
        job_free(&job);
    request_free(&request);
    free(text);
    return status;
}

Status call_submit(Daemon *daemon, Call *call) {
    int64_t number;
    TRY(submit_job(daemon, call, false, &number));
    if (number > 0)
        answer_job_number(call, number);
    return NULL;
}

/* The client's standard input, output and error. */
static Status take_stdio(Call *call) {
    Peer *peer = call->peer;
    if (peer->count != 3)
        return status_error(EXIT_USAGE, "%d descriptors came with the call instead of 3", peer->count);
    peer_drop_stdio(peer);
    for (int i = 0; i < 3; i++)
        peer->stdio[i] = peer->descriptors[i];
    peer->count = 0;
    peer->terminal = call_flag(call, "terminal");
    return NULL;
}

/* The client's one job from now on. */
static Status follow_job(Call *call, int64_t job) {
    call->peer->job_count = 0;
    TRY(peer_wait_for(call->peer, job));
    call->peer->runs = true;
    answer_job_number(call, job);
    return NULL;
}

static Status refuse_second(const Call *call) {
    return call->peer->job_count > 0 ? status_error(EXIT_USAGE, "the connection waits for a job already") : NULL;
}

Status call_run(Daemon *daemon, Call *call) {
    TRY(refuse_second(call));
    TRY(take_stdio(call));
    int64_t number;
    Status status = submit_job(daemon, call, true, &number);
    if (status || number == 0)
        peer_drop_stdio(call->peer);
    return status || number == 0 ? status : follow_job(call, number);
}

Status call_attach(Daemon *daemon, Call *call) {
    TRY(refuse_second(call));
    int64_t number;
    Job job;
    bool found;
    TRY(call_integer(call, "job", &number));
    TRY(store_get_job(daemon->store, number, &job, &found));
    if (!found)
        return status_error(EXIT_USAGE, "there is no job %lld; see pool jobs --all", (long long)number);
    Status status = job.uid == call->caller.uid && job.wants.foreground
                        ? NULL
                        : status_error(EXIT_REFUSED, "job %lld is none of run's, or another user's", (long long)number);
    job_free(&job);
    TRY(status);
    return follow_job(call, number);
}

/* --- Waiting ------------------------------------------------------------------------------------------------------ */

/* EXIT_USAGE: there is none; EXIT_REFUSED: it is another's. */
static Status check_own_job(Daemon *daemon, const Call *call, int64_t number, JobState *state, bool *foreground) {
    Job job;
    bool found;
    TRY(store_get_job(daemon->store, number, &job, &found));
    if (!found)
        return status_error(EXIT_USAGE, "there is no job %lld; see pool jobs --all", (long long)number);
    Status status = schedule_may(daemon->schedule, &call->caller, &job);
    *state = job.state;
    *foreground = job.wants.foreground;
    job_free(&job);
    return status;
}

Status call_wait(Daemon *daemon, Call *call) {
    TRY(refuse_second(call));
    const cJSON *list = cJSON_GetObjectItem(call->arguments, "jobs"), *item;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        return status_error(EXIT_USAGE, "the call lists no jobs");
    Status status = NULL;
    cJSON_ArrayForEach(item, list) {
        JobState state;
        bool foreground;
        if (!cJSON_IsNumber(item))
            status = status_error(EXIT_USAGE, "the list of jobs has what is no number");
        if (!status)
            status = check_own_job(daemon, call, (int64_t)item->valuedouble, &state, &foreground);
        if (!status)
            status = peer_wait_for(call->peer, (int64_t)item->valuedouble);
        if (status)
            break;
    }
    if (status)
        call->peer->job_count = 0;
    else
        call_nothing(call);
    return status;
}

Status call_logs(Daemon *daemon, Call *call) {
    int64_t number;
    JobState state;
    bool foreground;
    TRY(call_integer(call, "job", &number));
    TRY(check_own_job(daemon, call, number, &state, &foreground));
    if (foreground)
        return status_error(EXIT_USAGE, "job %lld ran in the foreground: what it wrote went to its terminal",
                            (long long)number);
    char *path;
    TRY(files_path(&path, "%s/jobs/%lld/log", daemon->state, (long long)number));
    call->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    Status status = call->descriptor < 0 && errno != ENOENT ? files_failure("open", path, errno) : NULL;
    free(path);
    json_object(&call->json, NULL, JSON_COMPACT);
    json_bool(&call->json, "ended", state >= JOB_DONE);
    json_end(&call->json);
    return status;
}

/* --- Acts --------------------------------------------------------------------------------------------------------- */

static Status act_on_job(Daemon *daemon, Call *call, JobAct act) {
    int64_t number;
    TRY(call_integer(call, "job", &number));
    TRY(schedule_act(daemon->schedule, &call->caller, act, number, daemon_now(daemon)));
    call_nothing(call);
    return NULL;
}

Status call_cancel(Daemon *daemon, Call *call) {
    return act_on_job(daemon, call, ACT_CANCEL);
}

Status call_hold(Daemon *daemon, Call *call) {
    return act_on_job(daemon, call, ACT_HOLD);
}

Status call_release(Daemon *daemon, Call *call) {
    return act_on_job(daemon, call, ACT_RELEASE);
}

Status call_retry(Daemon *daemon, Call *call) {
    return act_on_job(daemon, call, ACT_RETRY);
}

Status call_filler(Daemon *daemon, Call *call) {
    TRY(schedule_filler(daemon->schedule, &call->caller, call_flag(call, "on"), daemon_now(daemon)));
    call_nothing(call);
    return NULL;
}

Status call_gpu(Daemon *daemon, Call *call) {
    int64_t number;
    TRY(call_integer(call, "gpu", &number));
    if (number < 0 || rule_gpu(&daemon->rule, number) < 0)
        return status_error(EXIT_USAGE, "the rule has no GPU %lld; see pool status", (long long)number);
    TRY(schedule_gpu(daemon->schedule, &call->caller, (int)number, call_flag(call, "drain"), daemon_now(daemon)));
    call_nothing(call);
    return NULL;
}
