/* SPDX-License-Identifier: Apache-2.0 */
/* `pool submit`, and what it shares with `pool run`: the request that the options make. */
#ifndef FOVEA_POOL_COMMAND_SUBMIT_COMMAND_H
#define FOVEA_POOL_COMMAND_SUBMIT_COMMAND_H

#include "pool/options.h"
#include "pool/request.h"

/* What is to be run, with what this process has: folder, environment, umask, limits. A trainer of fovea is asked for
 * its plan: a wrong configuration is refused with its message. Free with request_free() either way. */
Status submit_make_request(const PoolOptions *options, Request *request) MUST_USE;
/* The arguments of the call; the caller's. */
Status submit_make_arguments(const Request *request, bool terminal, cJSON **arguments) MUST_USE;
/* Puts it into the waiting list and prints the number, or with --dry-run what would happen. */
Status submit_command(const PoolOptions *options) MUST_USE;

#endif
