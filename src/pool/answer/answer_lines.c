/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_lines.h"

#include "base/files.h"

#include <errno.h>
#include <math.h>

static void put_known(Json *json, const char *key, int64_t value, int64_t least) {
    if (value >= least)
        json_integer(json, key, value);
    else
        json_null(json, key);
}

void answer_ledger_line(const LedgerLine *line, double now, Json *json) {
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "gpu", line->gpu);
    json_double(json, "from", line->from);
    json_double(json, "to", line->to > 0 ? line->to : now);
    json_string(json, "what", ledger_what_name(line->what));
    put_known(json, "job", line->job, 1);
    put_known(json, "epoch", line->epoch, 1);
    put_known(json, "uid", line->uid, 0);
    json_string(json, "reason", line->reason);
    json_end(json);
}

static void put_look(const char *key, const Look *look, Json *json) {
    json_object(json, key, JSON_LINE);
    json_double(json, "time", look->time);
    json_real(json, "util", look->known ? look->util : NAN);
    put_known(json, "memory", look->known ? look->memory : -1, 0);
    put_known(json, "processes", look->known ? look->processes : -1, 0);
    json_end(json);
}

void answer_look_line(const LookRound *round, Json *json) {
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "gpu", round->gpu);
    put_look("first", &round->first, json);
    put_look("second", &round->second, json);
    json_string(json, "verdict", look_verdict_name(round->verdict));
    json_string(json, "why", round->why);
    json_end(json);
}

/* Ends the line, and with it the loop when the reader is gone or the disk is full. */
static Status end_line(Json *json) {
    json_newline(json);
    return ferror(json->out) ? files_failure("write", "the answer", errno) : NULL;
}

typedef struct {
    Json json;
    double now;
    const AnswerSource *source; /* of the audit, with `caller` */
    const Caller *caller;
} Lines;

static Status take_ledger(void *context, const LedgerLine *line) {
    Lines *lines = context;
    answer_ledger_line(line, lines->now, &lines->json);
    return end_line(&lines->json);
}

static Status take_look(void *context, const LookRound *round) {
    Lines *lines = context;
    answer_look_line(round, &lines->json);
    return end_line(&lines->json);
}

static Status take_audit(void *context, const AuditLine *line) {
    Lines *lines = context;
    Json *json = &lines->json;
    const bool readable = line->uid < 0 || answer_may_read(lines->source, lines->caller, (uid_t)line->uid);
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", line->time);
    json_string(json, "user", line->user);
    put_known(json, "uid", line->uid, 0);
    json_string(json, "action", line->action);
    json_string(json, "what", line->what);
    if (readable)
        json_string(json, "detail", line->detail);
    else
        json_null(json, "detail");
    json_end(json);
    return end_line(json);
}

Status answer_ledger(Store *store, double now, FILE *out) {
    Lines lines = {.now = now};
    json_open(&lines.json, out);
    return store_each_ledger(store, take_ledger, &lines);
}

Status answer_looks(Store *store, FILE *out) {
    Lines lines = {0};
    json_open(&lines.json, out);
    return store_each_look(store, take_look, &lines);
}

Status answer_audit(const AnswerSource *source, const Caller *caller, FILE *out) {
    Lines lines = {.source = source, .caller = caller};
    json_open(&lines.json, out);
    return store_each_audit(source->store, take_audit, &lines);
}
