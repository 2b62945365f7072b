/* SPDX-License-Identifier: Apache-2.0 */
/* The rule: which GPUs there are, in which lanes, and who may use them. docs/rule.md describes the file. */
#ifndef FOVEA_POOL_RULE_RULE_H
#define FOVEA_POOL_RULE_RULE_H

#include "pool/rule/rule_facts.h"
#include "pool/rule/rule_match.h"
#include "pool/rule/rule_read.h"

#endif
