/* SPDX-License-Identifier: Apache-2.0 */
/* The clients: new ones, what they ask, and the lines about the jobs that they wait for. */
#ifndef FOVEA_POOL_DAEMON_CALLS_PEERS_H
#define FOVEA_POOL_DAEMON_CALLS_PEERS_H

#include "pool/daemon/node/daemon_state.h"

/* Most connections of one user, so that the others find room. */
enum { PEERS_OF_USER = 512 };

/* Accepts who is there. */
void peers_accept(Daemon *daemon);
/* Serves a client whose socket is readable (`reads`), and sends what waits. */
void peers_serve(Daemon *daemon, Peer *peer, bool reads);
/* Reports on jobs, and closes connections that are gone or finished. */
void peers_work(Daemon *daemon);
/* Whether a client has a request that is not served yet. */
bool peers_pending(const Daemon *daemon);
void peers_close(Daemon *daemon);

#endif
