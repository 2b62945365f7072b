/* SPDX-License-Identifier: Apache-2.0 */
/* The program ./pool. */
#ifndef FOVEA_POOL_POOL_H
#define FOVEA_POOL_POOL_H

#include "pool/options.h"

#include <stdbool.h>

/* Whether the program was started by itself under the name of one of its helpers, a keeper or a reader of gauges. */
bool pool_is_helper(const char *name);
/* Runs that helper; its exit code. */
int pool_helper(int argc, char **argv);
/* Runs a command. options->exit is the program's exit code where it succeeds. */
Status pool_command(PoolOptions *options) MUST_USE;

#endif
