/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a pool's daemon, for other programs and for the commands of ./pool. */
#ifndef FOVEA_POOL_CLIENT_H
#define FOVEA_POOL_CLIENT_H

#include "base/status.h"

#include <cJSON.h>
#include <stdbool.h>

typedef struct PoolClient PoolClient;

/* The folder of the pool's state: `state` unless NULL, else FOVEA_POOL, else /var/lib/fovea-pool where there is one,
 * else fovea-pool in XDG_STATE_HOME or ~/.local/state. Absolute; the caller's. */
Status pool_state_folder(const char *state, char **folder) MUST_USE;
/* Connects. `start`: a daemon of one's own is started when none serves, the folder is one's own, and its last daemon
 * was given no rule. EXIT_MISSING: no
 * daemon, and how to start one. EXIT_REFUSED: the daemon is another user's. */
Status pool_client_open(const char *state, bool start, PoolClient **client) MUST_USE;
void pool_client_close(PoolClient *client);
/* Sends {"call": CALL, ...members of `arguments`} and waits for the answer, the caller's to delete. `arguments` may be
 * NULL and stays the caller's. A refusal has the daemon's code and message. */
Status pool_client_ask(PoolClient *client, const char *call, const cJSON *arguments, cJSON **answer) MUST_USE;
/* The same with descriptors: sends `send` [send_count], and takes up to one that the answer comes with (-1: none). */
Status pool_client_pass(PoolClient *client, const char *call, const cJSON *arguments, const int *send, int send_count,
                        cJSON **answer, int *received) MUST_USE;
/* The next line of an answer that goes on (`wait`, `run`); NULL at its end. EXIT_MISSING: the daemon went away. */
Status pool_client_next(PoolClient *client, cJSON **line) MUST_USE;
/* For poll(2): whether pool_client_next() has a line already, and what becomes readable when one comes. */
bool pool_client_pending(const PoolClient *client);
int pool_client_descriptor(const PoolClient *client);

#endif
