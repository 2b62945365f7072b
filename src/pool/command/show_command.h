/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that show something: status, jobs, why, top, clock, and the lines of looks, ledger and audit. */
#ifndef FOVEA_POOL_COMMAND_SHOW_COMMAND_H
#define FOVEA_POOL_COMMAND_SHOW_COMMAND_H

#include "pool/options.h"

Status show_status(const PoolOptions *options) MUST_USE;
Status show_jobs(const PoolOptions *options) MUST_USE;
Status show_why(const PoolOptions *options) MUST_USE;
Status show_top(const PoolOptions *options) MUST_USE;
Status show_clock(const PoolOptions *options) MUST_USE;
Status show_ghosts(const PoolOptions *options) MUST_USE;
/* `call` is "looks", "ledger" or "audit". */
Status show_lines(const PoolOptions *options, const char *call) MUST_USE;

#endif
