/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ./pool. */
#ifndef FOVEA_CLI_POOL_OPTIONS_H
#define FOVEA_CLI_POOL_OPTIONS_H

#include "base/options.h"
#include "pool/options.h"

extern const Program pool_program; /* its arguments are PoolOptions */

#endif
