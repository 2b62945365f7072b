/* SPDX-License-Identifier: Apache-2.0 */
/* Serves the calls of clients. */
#ifndef FOVEA_POOL_DAEMON_CALLS_CALLS_H
#define FOVEA_POOL_DAEMON_CALLS_CALLS_H

#include "pool/daemon/node/daemon_state.h"

/* Answers one line of a client. */
void calls_serve(Daemon *daemon, Peer *peer, const char *line);

#endif
