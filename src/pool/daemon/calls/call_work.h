/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that bring work, act on it or wait for it. */
#ifndef FOVEA_POOL_DAEMON_CALLS_CALL_WORK_H
#define FOVEA_POOL_DAEMON_CALLS_CALL_WORK_H

#include "pool/daemon/calls/call.h"

Status call_submit(Daemon *daemon, Call *call) MUST_USE;
Status call_run(Daemon *daemon, Call *call) MUST_USE;
Status call_attach(Daemon *daemon, Call *call) MUST_USE;
Status call_wait(Daemon *daemon, Call *call) MUST_USE;
Status call_logs(Daemon *daemon, Call *call) MUST_USE;
Status call_cancel(Daemon *daemon, Call *call) MUST_USE;
Status call_hold(Daemon *daemon, Call *call) MUST_USE;
Status call_release(Daemon *daemon, Call *call) MUST_USE;
Status call_retry(Daemon *daemon, Call *call) MUST_USE;
Status call_filler(Daemon *daemon, Call *call) MUST_USE;
Status call_gpu(Daemon *daemon, Call *call) MUST_USE;

#endif
