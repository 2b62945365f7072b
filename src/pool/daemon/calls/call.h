/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a client: docs/pool-protocol.md lists them. A handler writes the answer's JSON value, or returns a
 * refusal. */
#ifndef FOVEA_POOL_DAEMON_CALLS_CALL_H
#define FOVEA_POOL_DAEMON_CALLS_CALL_H

#include "base/json.h"
#include "pool/daemon/node/daemon_state.h"

typedef struct {
    Peer *peer;
    Caller caller;
    const cJSON *arguments; /* the whole request */
    Json json;
    int descriptor; /* that goes with the answer; -1 */
} Call;

typedef Status (*CallHandler)(Daemon *daemon, Call *call);

/* A whole number of the request; EXIT_USAGE when it is missing or none. */
Status call_integer(const Call *call, const char *name, int64_t *value) MUST_USE;
bool call_flag(const Call *call, const char *name);
/* The answer {}. */
void call_nothing(Call *call);
/* An empty file in memory that goes with the answer; `out` writes to it and is the caller's to close. */
Status call_file(Call *call, FILE **out) MUST_USE;

#endif
