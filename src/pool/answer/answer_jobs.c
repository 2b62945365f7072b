/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_jobs.h"

#include <math.h>
#include <stdlib.h>

static void put_readable(Json *json, const char *key, const char *text, bool readable) {
    if (readable)
        json_string(json, key, text ? text : "");
    else
        json_null(json, key);
}

/* As `pool wait` ends: 128 + n after signal n. */
static void put_end(Json *json, const JobEnd *end, bool ended) {
    if (!ended || (end->exit < 0 && !end->signal))
        json_null(json, "exit");
    else
        json_integer(json, "exit", end->signal ? 128 + end->signal : end->exit);
}

static void put_attempt(const Attempt *attempt, bool readable, Json *json) {
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "epoch", attempt->epoch);
    json_array(json, "gpus", JSON_LINE);
    for (int i = 0; i < attempt->gpu_count; i++)
        json_integer(json, NULL, attempt->gpus[i]);
    json_end(json);
    json_double(json, "from", attempt->from);
    answer_time(json, "to", attempt->to);
    answer_size(json, "exit", attempt->to > 0 ? attempt->end.exit : -1);
    answer_number(json, "signal", attempt->end.signal);
    put_readable(json, "why", attempt->why, readable);
    answer_number(json, "pid", attempt->pid);
    json_real(json, "busy_s", attempt->busy);
    json_real(json, "joules", attempt->joules > 0 ? attempt->joules : NAN);
    json_end(json);
}

static void put_wants(const JobWants *wants, Json *json) {
    json_string(json, "lane", wants->lane);
    json_integer(json, "gpus", wants->gpus);
    json_integer(json, "priority", wants->priority);
    json_bool(json, "resumable", wants->resumable);
    json_bool(json, "foreground", wants->foreground);
    answer_time(json, "time_limit_s", wants->time_limit);
    answer_size(json, "gpu_memory", wants->gpu_memory);
    answer_size(json, "host_memory", wants->host_memory);
    json_array(json, "after", JSON_LINE);
    for (int i = 0; i < wants->after_count; i++)
        json_integer(json, NULL, wants->after[i]);
    json_end(json);
}

static void put_job(const Job *job, const Attempt *attempts, int64_t count, bool readable, Json *json) {
    bool ended = job->state == JOB_DONE || job->state == JOB_FAILED || job->state == JOB_CANCELLED;
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "job", job->id);
    put_readable(json, "name", job->name, readable);
    json_string(json, "user", job->user);
    json_integer(json, "uid", job->uid);
    json_string(json, "state", job_state_name(job->state));
    put_end(json, &job->end, ended);
    put_readable(json, "reason", job->reason, readable);
    put_readable(json, "command", job->command, readable);
    json_double(json, "submitted", job->submitted);
    put_wants(&job->wants, json);
    put_readable(json, "run_dir", job->run_dir, readable);
    put_readable(json, "sweep", job->sweep, readable);
    json_array(json, "attempts", JSON_LINE);
    for (int64_t i = 0; i < count; i++)
        put_attempt(&attempts[i], readable, json);
    json_end(json);
    json_end(json);
}

/* The object of a job with its attempts from the database. */
static Status put_with_attempts(const AnswerSource *source, const Caller *caller, const Job *job, Json *json) {
    Attempts attempts = {0};
    Status status = store_read_attempts(source->store, job->id, false, &attempts);
    if (!status)
        put_job(job, attempts.list, attempts.count, answer_may_read(source, caller, job->uid), json);
    free(attempts.list);
    return status;
}

/* Jobs come by number, and so do all attempts: one pass over both. */
typedef struct {
    const AnswerSource *source;
    const Caller *caller;
    Attempts attempts;
    int64_t at;
    Json *json;
} AllJobs;

static Status take_job(void *context, const Job *job) {
    AllJobs *all = context;
    const Attempts *attempts = &all->attempts;
    while (all->at < attempts->count && attempts->list[all->at].job < job->id)
        all->at++;
    int64_t first = all->at;
    while (all->at < attempts->count && attempts->list[all->at].job == job->id)
        all->at++;
    put_job(job, attempts->list ? attempts->list + first : NULL, all->at - first,
            answer_may_read(all->source, all->caller, job->uid), all->json);
    return NULL;
}

Status answer_jobs(const AnswerSource *source, const Caller *caller, bool all, Json *json) {
    Status status = NULL;
    json_array(json, NULL, JSON_LINE);
    if (all) {
        AllJobs jobs = {.source = source, .caller = caller, .json = json};
        status = store_read_attempts(source->store, 0, false, &jobs.attempts);
        if (!status)
            status = store_each_job(source->store, true, false, take_job, &jobs);
        free(jobs.attempts.list);
    }
    for (int i = 0; !all && !status && i < schedule_job_count(source->schedule); i++)
        status = put_with_attempts(source, caller, schedule_job(source->schedule, i), json);
    json_end(json);
    return status;
}

typedef Status (*JobUse)(const AnswerSource *source, const Caller *caller, const Job *job, Json *json);

/* Hands the job of that number to `use`, a live one as the schedule has it. */
static Status use_job(const AnswerSource *source, const Caller *caller, int64_t id, JobUse use, Json *json) {
    const Job *live = schedule_find(source->schedule, id);
    if (live)
        return use(source, caller, live, json);
    Job job;
    bool found;
    TRY(store_get_job(source->store, id, &job, &found));
    if (!found)
        return status_error(EXIT_USAGE, "there is no job %lld; see pool jobs --all", (long long)id);
    Status status = use(source, caller, &job, json);
    job_free(&job);
    return status;
}

Status answer_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) {
    return use_job(source, caller, job, put_with_attempts, json);
}

static Status put_why(const AnswerSource *source, const Caller *caller, const Job *job, Json *json) {
    if (caller)
        TRY(schedule_may(source->schedule, caller, job));
    WhyView why;
    schedule_why_job(source->schedule, job, source->now, &why);
    const Attempt *attempt = schedule_attempt(source->schedule, job->id);
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    json_integer(json, "job", job->id);
    json_string(json, "name", job->name ? job->name : "");
    json_string(json, "user", job->user);
    json_string(json, "state", job_state_name(job->state));
    json_string(json, "reason", why.reason);
    json_double(json, "expected", why.expected);
    answer_size(json, "gpu", why.gpu);
    json_array(json, "behind", JSON_LINE);
    for (int i = 0; i < why.behind_count; i++)
        json_integer(json, NULL, why.behind[i]);
    json_end(json);
    json_array(json, "gpus", JSON_LINE);
    for (int i = 0; attempt && i < attempt->gpu_count; i++)
        json_integer(json, NULL, attempt->gpus[i]);
    json_end(json);
    answer_time(json, "since", attempt ? attempt->from : 0);
    json_end(json);
    return NULL;
}

Status answer_why_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) {
    return use_job(source, caller, job, put_why, json);
}
