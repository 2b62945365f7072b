/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer.h"

#include <math.h>

bool answer_may_read(const AnswerSource *source, const Caller *caller, uid_t owner) {
    return !caller || caller->uid == owner || rule_is_admin(source->rule, caller->uid, caller->user);
}

void answer_time(Json *json, const char *key, double time) {
    json_double(json, key, time > 0 ? time : NAN);
}

void answer_number(Json *json, const char *key, int64_t number) {
    if (number > 0)
        json_integer(json, key, number);
    else
        json_null(json, key);
}

void answer_size(Json *json, const char *key, int64_t bytes) {
    if (bytes >= 0)
        json_integer(json, key, bytes);
    else
        json_null(json, key);
}

void answer_throttle(Json *json, int throttle) {
    static const struct {
        Throttle bit;
        const char *name;
    } words[] = {{THROTTLE_POWER_CAP, "power cap"},
                 {THROTTLE_SOFTWARE_THERMAL, "heat"},
                 {THROTTLE_HARDWARE_THERMAL, "heat (hardware)"},
                 {THROTTLE_POWER_BRAKE, "power brake"},
                 {THROTTLE_HARDWARE, "hardware"}};
    if (throttle < 0) {
        json_null(json, "throttle");
        return;
    }
    json_array(json, "throttle", JSON_LINE);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (throttle & words[i].bit)
            json_string(json, NULL, words[i].name);
    json_end(json);
}

static void put_text_or_null(Json *json, const char *key, const char *text, bool known) {
    if (known)
        json_string(json, key, text);
    else
        json_null(json, key);
}

static void put_job_holder(const Job *job, const Attempt *attempt, bool readable, Json *json) {
    json_object(json, "holder", JSON_LINE);
    json_string(json, "user", job->user);
    json_integer(json, "uid", job->uid);
    json_integer(json, "job", job->id);
    answer_number(json, "pid", attempt ? attempt->pid : 0);
    answer_time(json, "since", attempt ? attempt->from : 0);
    put_text_or_null(json, "command", job->command ? job->command : "", readable);
    json_end(json);
}

/* Its command line is in /proc for everybody. */
static void put_foreign_holder(const ForeignProcess *process, Json *json) {
    json_object(json, "holder", JSON_LINE);
    json_string(json, "user", process->user);
    answer_size(json, "uid", process->uid);
    json_null(json, "job");
    json_integer(json, "pid", process->pid);
    answer_time(json, "since", process->since);
    json_string(json, "command", process->command);
    answer_size(json, "memory", process->memory);
    json_end(json);
}

static Status take_last(void *context, const Attempt *attempt) {
    *(Attempt *)context = *attempt;
    return NULL;
}

/* A job that has ended, and whose GPU is not clear yet. */
static Status put_ended_holder(const AnswerSource *source, const Caller *caller, int64_t id, Json *json) {
    Job job;
    bool found;
    Attempt attempt = {0};
    TRY(store_get_job(source->store, id, &job, &found));
    Status status = found ? store_each_attempt(source->store, id, false, take_last, &attempt) : NULL;
    if (found && !status)
        put_job_holder(&job, &attempt, answer_may_read(source, caller, job.uid), json);
    else if (!status)
        json_null(json, "holder");
    if (found)
        job_free(&job);
    return status;
}

Status answer_holder(const AnswerSource *source, const Caller *caller, const GpuView *view, Json *json) {
    const Job *job = view->job ? schedule_find(source->schedule, view->job) : NULL;
    if (job)
        put_job_holder(job, schedule_attempt(source->schedule, job->id), answer_may_read(source, caller, job->uid),
                       json);
    else if (view->job)
        return put_ended_holder(source, caller, view->job, json);
    else if (view->state == GPU_FOREIGN && view->seen.foreign.pid > 0)
        put_foreign_holder(&view->seen.foreign, json);
    else
        json_null(json, "holder");
    return NULL;
}

static void put_gauges(const GaugeSample *sample, Json *json) {
    bool known = sample->known;
    json_object(json, "gauges", JSON_LINE);
    json_real(json, "util", known ? sample->util : NAN);
    answer_size(json, "memory_used", known ? sample->memory_used : -1);
    answer_size(json, "memory_total", known ? sample->memory_total : -1);
    json_real(json, "celsius", known ? sample->celsius : NAN);
    json_real(json, "memory_celsius", known ? sample->memory_celsius : NAN);
    json_real(json, "watts", known ? sample->watts : NAN);
    json_real(json, "watts_cap", known ? sample->watts_cap : NAN);
    answer_throttle(json, known ? sample->throttle : -1);
    json_end(json);
}

static void put_gpu_names(const AnswerSource *source, int index, const GpuView *view, Json *json) {
    json_integer(json, "gpu", view->gpu);
    put_text_or_null(json, "uuid", source->uuids[index], source->uuids[index][0] != 0);
    put_text_or_null(json, "lane", view->lane >= 0 ? source->rule->lanes[view->lane].name : "", view->lane >= 0);
    json_string(json, "state", gpu_state_name(view->state));
}

static Status put_gpu(const AnswerSource *source, const Caller *caller, int index, Json *json) {
    GpuView view;
    schedule_gpu_view(source->schedule, index, &view);
    json_object(json, NULL, JSON_LINE);
    put_gpu_names(source, index, &view, json);
    json_string(json, "reason", view.reason);
    answer_time(json, "since", view.since);
    TRY(answer_holder(source, caller, &view, json));
    answer_number(json, "epoch", view.epoch);
    put_gauges(&view.seen.sample, json);
    json_end(json);
    return NULL;
}

static void put_loan(const Rule *rule, const ClockView *clock, Json *json) {
    json_real(json, "total_s", clock->total);
    json_real(json, "busy_s", clock->busy);
    json_real(json, "held_s", clock->held);
    json_real(json, "idle_s", clock->idle);
    json_real(json, "left_s", clock->on ? clock->left : NAN);
    answer_time(json, "from", rule->loan_from);
    answer_time(json, "to", rule->loan_to);
}

Status answer_status(const AnswerSource *source, const Caller *caller, Json *json) {
    ClockView clock;
    TRY(schedule_clock(source->schedule, source->now, &clock));
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    json_string(json, "node", source->rule->node);
    json_string(json, "filler", clock.filler ? "on" : "off");
    if (clock.on) {
        json_object(json, "clock", JSON_LINE);
        put_loan(source->rule, &clock, json);
        json_end(json);
    } else {
        json_null(json, "clock");
    }
    json_object(json, "queue", JSON_LINE);
    json_integer(json, "waiting", clock.waiting);
    json_integer(json, "running", clock.running);
    json_real(json, "dry_in_s", clock.dry_in);
    put_text_or_null(json, "paused", clock.paused_why, clock.paused);
    json_end(json);
    put_text_or_null(json, "no_gauges", source->gauges_missing, source->gauges_missing[0] != 0);
    json_array(json, "gpus", JSON_LINE);
    for (int i = 0; i < schedule_gpu_count(source->schedule); i++)
        TRY(put_gpu(source, caller, i, json));
    json_end(json);
    json_end(json);
    return NULL;
}

Status answer_clock(const AnswerSource *source, Json *json) {
    ClockView clock;
    TRY(schedule_clock(source->schedule, source->now, &clock));
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    put_loan(source->rule, &clock, json);
    json_real(json, "dry_in_s", clock.dry_in);
    json_array(json, "late", JSON_LINE);
    for (int i = 0; i < clock.late_count; i++)
        json_integer(json, NULL, clock.late[i]);
    json_end(json);
    json_end(json);
    return NULL;
}

Status answer_why_gpu(const AnswerSource *source, const Caller *caller, int64_t gpu, Json *json) {
    int index = rule_gpu(source->rule, gpu);
    if (index < 0)
        return status_error(EXIT_USAGE, "the rule has no GPU %lld; see pool status", (long long)gpu);
    GpuView view;
    WhyView why;
    schedule_gpu_view(source->schedule, index, &view);
    schedule_why_gpu(source->schedule, view.gpu, source->now, &why);
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    put_gpu_names(source, index, &view, json);
    json_string(json, "reason", why.reason);
    answer_time(json, "since", view.since);
    json_double(json, "expected", why.expected);
    answer_time(json, "next_look", view.next_round);
    TRY(answer_holder(source, caller, &view, json));
    json_end(json);
    return NULL;
}
