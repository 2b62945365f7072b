/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ask: tables, reasons, history. */
#ifndef FOVEA_POOL_DAEMON_CALLS_CALL_ANSWERS_H
#define FOVEA_POOL_DAEMON_CALLS_CALL_ANSWERS_H

#include "pool/daemon/calls/call.h"

Status call_status(Daemon *daemon, Call *call) MUST_USE;
Status call_jobs(Daemon *daemon, Call *call) MUST_USE;
Status call_why(Daemon *daemon, Call *call) MUST_USE;
Status call_top(Daemon *daemon, Call *call) MUST_USE;
Status call_clock(Daemon *daemon, Call *call) MUST_USE;
Status call_ghosts(Daemon *daemon, Call *call) MUST_USE;
/* The rule in words, and what the client may use. */
Status call_rule(Daemon *daemon, Call *call) MUST_USE;
Status call_looks(Daemon *daemon, Call *call) MUST_USE;
Status call_ledger(Daemon *daemon, Call *call) MUST_USE;
Status call_audit(Daemon *daemon, Call *call) MUST_USE;

#endif
