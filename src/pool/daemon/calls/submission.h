/* SPDX-License-Identifier: Apache-2.0 */
/* A client's request as a job: whose it is and what it may is the daemon's to say, not the client's. */
#ifndef FOVEA_POOL_DAEMON_CALLS_SUBMISSION_H
#define FOVEA_POOL_DAEMON_CALLS_SUBMISSION_H

#include "pool/daemon/calls/call.h"
#include "pool/request.h"

/* Reads the member "request" of a call. The hard limits are those of the client's process at most, and a job without a
 * lane is for the first one that its user may use and that has the GPUs it asks for. Free *job with job_free(). */
Status submission_read(const Daemon *daemon, const Call *call, bool foreground, Request *request, Job *job) MUST_USE;

#endif
