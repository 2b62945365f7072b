/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a rule file. */
#ifndef FOVEA_POOL_RULE_RULE_READ_H
#define FOVEA_POOL_RULE_RULE_READ_H

#include "base/status.h"
#include "gauges/gauges.h"
#include "pool/rule/rule_facts.h"

#include <stdio.h>

/* Reads a rule. Warnings (a GPU named by index, or in no lane) go to `warnings`. EXIT_DATA naming file, line and key:
 * an unknown key, a GPU in two lanes, a lane with a GPU that [gpus] lacks, two names of one GPU, a lane without GPUs.
 */
Status rule_read(const char *path, FILE *warnings, Rule *rule) MUST_USE;
/* The same from text; `path` is for messages. */
Status rule_parse(const char *text, const char *path, FILE *warnings, Rule *rule) MUST_USE;
/* The rule of a machine without one: every GPU of `gauges` in the lane "pool", or one slot without a GPU. Everybody may
 * use it; root is the admin of root's pool, and everybody of another user's, which serves that user alone. */
void rule_default(const Gauges *gauges, Rule *rule);

#endif
