/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a simulated node did, in the shapes of the pool's answers. */
#ifndef FOVEA_POOL_SIM_SIM_OUTPUT_H
#define FOVEA_POOL_SIM_SIM_OUTPUT_H

#include "pool/answer/answer.h"
#include "pool/sim/sim_node.h"

/* {"ledger", "looks", "jobs"}, jobs in the script's order, times from `start` on. `refusals` [jobs of the script]:
 * why the pool did not take a job; NULL: it did. */
Status sim_write(const Node *node, const AnswerSource *source, Status *refusals, double start,
                 const char *path) MUST_USE;

#endif
