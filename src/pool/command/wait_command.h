/* SPDX-License-Identifier: Apache-2.0 */
/* `pool wait` and `pool logs`. */
#ifndef FOVEA_POOL_COMMAND_WAIT_COMMAND_H
#define FOVEA_POOL_COMMAND_WAIT_COMMAND_H

#include "pool/options.h"

/* Waits for the jobs' ends; options->exit is the last one's. */
Status wait_command(PoolOptions *options) MUST_USE;
/* Prints what a job wrote, and with --follow what it writes until it has ended. */
Status logs_command(const PoolOptions *options) MUST_USE;

#endif
