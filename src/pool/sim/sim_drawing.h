/* SPDX-License-Identifier: Apache-2.0 */
/* Draws what a simulated node did: a row for each GPU, in 80 columns. */
#ifndef FOVEA_POOL_SIM_SIM_DRAWING_H
#define FOVEA_POOL_SIM_SIM_DRAWING_H

#include "pool/sim/sim_node.h"
#include "pool/store/store.h"

#include <stdio.h>

/* From the ledger of a simulation that began at `start` and is at node->now. */
Status sim_draw(const Node *node, Store *store, double start, FILE *out) MUST_USE;

#endif
