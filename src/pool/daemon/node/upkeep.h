/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon does from time to time: notes that it lives, reads the host's memory and the jobs' progress, copies
 * the database. */
#ifndef FOVEA_POOL_DAEMON_NODE_UPKEEP_H
#define FOVEA_POOL_DAEMON_NODE_UPKEEP_H

#include "pool/daemon/node/daemon_state.h"

void upkeep_work(Daemon *daemon);
/* clock_now() at which it has something to do. */
double upkeep_next(const Daemon *daemon);
/* Notes that the daemon lived until now, for the ledger of the next one. */
Status upkeep_note_seen(Daemon *daemon) MUST_USE;

#endif
