/* SPDX-License-Identifier: Apache-2.0 */
/* From the keys of a rule file to the rule, and all that can be wrong with it. */
#ifndef FOVEA_POOL_RULE_RULE_BUILD_H
#define FOVEA_POOL_RULE_RULE_BUILD_H

#include "base/status.h"
#include "pool/rule/rule_facts.h"
#include "pool/rule/rule_keys.h"

#include <stdio.h>

/* `text` is that of the file at `path`. EXIT_DATA naming file, line and key. */
Status rule_build(const RuleConfig *config, const char *text, const char *path, FILE *warnings, Rule *rule) MUST_USE;

#endif
