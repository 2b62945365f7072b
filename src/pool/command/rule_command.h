/* SPDX-License-Identifier: Apache-2.0 */
/* `pool rule`: the rule in words. */
#ifndef FOVEA_POOL_COMMAND_RULE_COMMAND_H
#define FOVEA_POOL_COMMAND_RULE_COMMAND_H

#include "pool/options.h"

/* That of the daemon; without a daemon that of a daemon to come; with --check that of a file, whose GPUs have to be
 * there. */
Status rule_command(const PoolOptions *options) MUST_USE;

#endif
