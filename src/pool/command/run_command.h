/* SPDX-License-Identifier: Apache-2.0 */
/* `pool run`: a job in the foreground. */
#ifndef FOVEA_POOL_COMMAND_RUN_COMMAND_H
#define FOVEA_POOL_COMMAND_RUN_COMMAND_H

#include "pool/options.h"

/* Waits for GPUs unless --now says not to, runs the command with this process's standard files, and sets options->exit
 * to how it ended. A restart of the daemon disturbs neither the job nor this. */
Status run_command(PoolOptions *options) MUST_USE;

#endif
