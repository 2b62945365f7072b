/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/call_answers.h"
#include "base/files.h"
#include "pool/answer/answer.h"
#include "pool/answer/answer_ghosts.h"
#include "pool/answer/answer_jobs.h"
#include "pool/answer/answer_lines.h"
#include "pool/answer/answer_top.h"
#include "pool/daemon/node/runs.h"
#include "pool/keeper/ghosts.h"
#include "pool/rule/rule_words.h"

#include <errno.h>

static AnswerSource make_source(Daemon *daemon) {
    return (AnswerSource){.schedule = daemon->schedule,
                          .store = daemon->store,
                          .rule = &daemon->rule,
                          .uuids = daemon->uuids,
                          .gauges_missing = daemon->missing,
                          .history = &daemon->history,
                          .xids = &daemon->xids,
                          .now = daemon_now(daemon)};
}

Status call_status(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    return answer_status(&source, &call->caller, &call->json);
}

Status call_jobs(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    return answer_jobs(&source, &call->caller, call_flag(call, "all"), &call->json);
}

Status call_why(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    int64_t number;
    if (cJSON_GetObjectItem(call->arguments, "gpu")) {
        TRY(call_integer(call, "gpu", &number));
        return answer_why_gpu(&source, &call->caller, number, &call->json);
    }
    TRY(call_integer(call, "job", &number));
    return answer_why_job(&source, &call->caller, number, &call->json);
}

Status call_top(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    return answer_top(&source, &call->json);
}

Status call_clock(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    return answer_clock(&source, &call->json);
}

static int64_t find_owner(void *context, int64_t pid) {
    return runs_owner(context, pid);
}

Status call_ghosts(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    if (!rule_is_admin(&daemon->rule, call->caller.uid, call->caller.user))
        return status_error(EXIT_REFUSED, "%s is no admin of this pool; pool rule says who is", call->caller.user);
    int killed, left;
    if (call_flag(call, "sweep"))
        TRY(ghosts_sweep(daemon->state, &killed, &left));
    return answer_ghosts(&source, "/dev/nvidia", find_owner, daemon, &call->json);
}

/* Ends an answer that is lines in a file. */
static Status finish_lines(Call *call, FILE *out, Status status) {
    const bool failed = ferror(out);
    if ((fclose(out) || failed) && !status)
        status = files_failure("write", "a file for the answer", errno);
    call_nothing(call);
    return status;
}

Status call_looks(Daemon *daemon, Call *call) {
    FILE *out;
    TRY(call_file(call, &out));
    return finish_lines(call, out, answer_looks(daemon->store, out));
}

Status call_ledger(Daemon *daemon, Call *call) {
    FILE *out;
    TRY(call_file(call, &out));
    return finish_lines(call, out, answer_ledger(daemon->store, daemon_now(daemon), out));
}

Status call_audit(Daemon *daemon, Call *call) {
    const AnswerSource source = make_source(daemon);
    FILE *out;
    TRY(call_file(call, &out));
    return finish_lines(call, out, answer_audit(&source, &call->caller, out));
}

Status call_rule(Daemon *daemon, Call *call) {
    FILE *out;
    TRY(call_file(call, &out));
    rule_print(&daemon->rule, call->caller.uid, call->caller.user, out);
    return finish_lines(call, out, NULL);
}
