/* SPDX-License-Identifier: Apache-2.0 */
/* Plays a node from a script: the pool's own rule, queue, leases, looks and ledger on a simulated clock, with jobs and
 * gauges that are made up. docs/pool.md describes both files. */
#ifndef FOVEA_POOL_SIM_H
#define FOVEA_POOL_SIM_H

#include "base/status.h"

#include <stdio.h>

/* Plays the script `in`. Writes {"ledger", "looks", "jobs"} to the file `out`, or with `out` NULL draws the lanes to
 * `drawing`. EXIT_DATA naming the file and the field that is wrong. */
Status pool_sim(const char *in, const char *out, FILE *drawing) MUST_USE;

#endif
