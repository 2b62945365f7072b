/* SPDX-License-Identifier: Apache-2.0 */
/* The rule's GPUs among those of the machine. */
#ifndef FOVEA_POOL_RULE_RULE_MATCH_H
#define FOVEA_POOL_RULE_RULE_MATCH_H

#include "base/status.h"
#include "gauges/gauges.h"
#include "pool/rule/rule_facts.h"

/* Sets `devices` [gpu_count] to the index in `gauges` of each GPU of the rule, -1 for slots. EXIT_DATA: a GPU is not
 * there, or two names are one GPU; lists those that are there. */
Status rule_match(const Rule *rule, const Gauges *gauges, int *devices) MUST_USE;

#endif
