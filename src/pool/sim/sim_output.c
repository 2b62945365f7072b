/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sim/sim_output.h"

#include "pool/answer/answer_jobs.h"
#include "pool/answer/answer_lines.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    Json json;
    double start, end;
} Output;

/* From the start, to the microsecond: what the difference of two dates is good for. */
static double since_start(const Output *output, double date) {
    return round((date - output->start) * 1e6) / 1e6;
}

static Status take_ledger(void *context, const LedgerLine *line) {
    Output *output = context;
    LedgerLine shifted = *line;
    const double end = line->to > 0 ? line->to : output->end;
    shifted.from = since_start(output, line->from);
    shifted.to = 0;
    answer_ledger_line(&shifted, since_start(output, end), &output->json);
    return NULL;
}

static Status take_look(void *context, const LookRound *round) {
    Output *output = context;
    LookRound shifted = *round;
    shifted.first.time = since_start(output, round->first.time);
    shifted.second.time = since_start(output, round->second.time);
    answer_look_line(&shifted, &output->json);
    return NULL;
}

static void shift_time(const Output *output, cJSON *object, const char *field) {
    cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (cJSON_IsNumber(item))
        cJSON_SetNumberValue(item, since_start(output, item->valuedouble));
}

static Status put_job(Output *output, const AnswerSource *source, int64_t id) {
    Json json;
    char *text;
    size_t size;
    json_open(&json, NULL);
    Status status = answer_job(source, NULL, id, &json);
    Status closed = json_close(&json, "a job", &text, &size);
    if (status || closed) {
        status_free(status ? closed : NULL);
        return status ? status : closed;
    }
    cJSON *job = cJSON_Parse(text), *attempt;
    free(text);
    if (!job)
        return status_no_memory("a job", size);
    shift_time(output, job, "submitted");
    cJSON_ArrayForEach(attempt, cJSON_GetObjectItemCaseSensitive(job, "attempts")) {
        shift_time(output, attempt, "from");
        shift_time(output, attempt, "to");
    }
    json_copy(&output->json, NULL, job);
    cJSON_Delete(job);
    return NULL;
}

/* A job that has not come yet (`refusal` NULL), or that the pool refused. */
static void put_refused(Json *json, const ScriptJob *job, Status refusal) {
    json_object(json, NULL, JSON_LINE);
    json_null(json, "job");
    json_string(json, "user", job->user);
    json_integer(json, "uid", job->uid);
    if (refusal) {
        json_string(json, "state", "failed");
        json_integer(json, "exit", status_code(refusal));
        json_string(json, "reason", status_message(refusal));
    } else {
        json_null(json, "state");
        json_null(json, "exit");
        json_string(json, "reason", "the simulation ended before it came");
    }
    json_double(json, "submitted", job->at);
    json_array(json, "attempts", JSON_LINE);
    json_end(json);
    json_end(json);
}

static Status put_jobs(Output *output, const Node *node, const AnswerSource *source, Status *refusals) {
    json_array(&output->json, "jobs", JSON_INDENT);
    for (int i = 0; i < node->script->job_count; i++)
        if (node->ids[i])
            TRY(put_job(output, source, node->ids[i]));
        else
            put_refused(&output->json, &node->script->jobs[i], refusals[i]);
    json_end(&output->json);
    return NULL;
}

static Status put_all(Output *output, const Node *node, const AnswerSource *source, Status *refusals) {
    json_array(&output->json, "ledger", JSON_INDENT);
    TRY(store_each_ledger(source->store, take_ledger, output));
    json_end(&output->json);
    json_array(&output->json, "looks", JSON_INDENT);
    TRY(store_each_look(source->store, take_look, output));
    json_end(&output->json);
    return put_jobs(output, node, source, refusals);
}

Status sim_write(const Node *node, const AnswerSource *source, Status *refusals, double start, const char *path) {
    Output output = {.start = start, .end = source->now};
    json_open(&output.json, NULL);
    json_object(&output.json, NULL, JSON_INDENT);
    Status status = put_all(&output, node, source, refusals);
    if (!status) {
        json_end(&output.json);
        return json_write(&output.json, path);
    }
    char *text = NULL;
    size_t size;
    status_free(json_close(&output.json, "the simulation", &text, &size));
    free(text);
    return status;
}
