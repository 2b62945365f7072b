/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/calls.h"
#include "pool/daemon/calls/call_answers.h"
#include "pool/daemon/calls/call_work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    CallHandler serve;
} calls[] = {
    {"status", call_status}, {"jobs", call_jobs},     {"why", call_why},       {"top", call_top},
    {"clock", call_clock},   {"looks", call_looks},   {"ledger", call_ledger}, {"audit", call_audit},
    {"submit", call_submit}, {"run", call_run},       {"attach", call_attach}, {"wait", call_wait},
    {"logs", call_logs},     {"cancel", call_cancel}, {"hold", call_hold},     {"release", call_release},
    {"retry", call_retry},   {"filler", call_filler}, {"gpu", call_gpu},       {"ghosts", call_ghosts},
    {"rule", call_rule},
};

/* `open`: the call is for those, too, who are no members. */
static Status check_user(const Daemon *daemon, const Peer *peer, bool open) {
    if (!daemon->root && peer->uid != daemon->uid)
        return status_error(EXIT_REFUSED, "the daemon of this pool runs as another user and serves that one alone");
    if (!open && !rule_is_member(&daemon->rule, peer->uid, peer->user))
        return status_error(EXIT_REFUSED, "%s is no member of this pool; pool rule says who is", peer->user);
    return NULL;
}

static Status serve_call(Daemon *daemon, Call *call) {
    const cJSON *name = cJSON_GetObjectItem(call->arguments, "call");
    TRY(check_user(daemon, call->peer, cJSON_IsString(name) && strcmp(name->valuestring, "rule") == 0));
    for (size_t i = 0; cJSON_IsString(name) && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name->valuestring) == 0)
            return calls[i].serve(daemon, call);
    return status_error(EXIT_USAGE, "there is no such call: client and daemon are of different versions");
}

/* Queues the answer or the refusal. */
static void finish_call(Call *call, Status status) {
    char *text;
    size_t size;
    Status printed = json_close(&call->json, "an answer", &text, &size);
    if (!status)
        status = printed;
    else
        status_free(printed);
    if (!status) {
        peer_answer(call->peer, text, size, call->descriptor);
        call->descriptor = -1;
    } else {
        peer_refuse(call->peer, status);
    }
    if (call->descriptor >= 0)
        close(call->descriptor);
    free(text);
}

void calls_serve(Daemon *daemon, Peer *peer, const char *line) {
    cJSON *arguments = cJSON_Parse(line);
    if (!cJSON_IsObject(arguments)) {
        peer_refuse(peer, status_error(EXIT_USAGE, "the request is no JSON object"));
        peer->closing = true;
        cJSON_Delete(arguments);
        return;
    }
    Call call = {
        .peer = peer, .caller = {.uid = peer->uid, .user = peer->user}, .arguments = arguments, .descriptor = -1};
    json_open(&call.json, NULL);
    finish_call(&call, serve_call(daemon, &call));
    cJSON_Delete(arguments);
    /* Descriptors that nobody took. */
    while (peer->count > 0)
        close(peer->descriptors[--peer->count]);
}
