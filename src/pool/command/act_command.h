/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that change something and print nothing: cancel, hold, release, retry, filler, gpu. */
#ifndef FOVEA_POOL_COMMAND_ACT_COMMAND_H
#define FOVEA_POOL_COMMAND_ACT_COMMAND_H

#include "pool/options.h"

/* The same call, such as "cancel", for each job that is listed; all are tried, and the first failure is returned. */
Status act_on_jobs(const PoolOptions *options, const char *call) MUST_USE;
Status act_on_filler(const PoolOptions *options) MUST_USE;
Status act_on_gpu(const PoolOptions *options) MUST_USE;

#endif
