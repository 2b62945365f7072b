/* SPDX-License-Identifier: Apache-2.0 */
/* The rule in words. */
#ifndef FOVEA_POOL_RULE_RULE_WORDS_H
#define FOVEA_POOL_RULE_RULE_WORDS_H

#include "pool/rule/rule_facts.h"

#include <stdio.h>

/* Prints what the rule says: the node, each lane with its GPUs and its users, limits and times; at the end what the
 * user may use. A sentence a line. */
void rule_print(const Rule *rule, uid_t uid, const char *user, FILE *out);

#endif
