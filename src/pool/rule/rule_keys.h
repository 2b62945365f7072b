/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a rule file: docs/rule.md. */
#ifndef FOVEA_POOL_RULE_RULE_KEYS_H
#define FOVEA_POOL_RULE_RULE_KEYS_H

#include "base/config_table.h"

/* A rule file, key by key; pool/rule/rule.h is what it says. */
typedef struct {
    struct {
        ConfigText name, loan, notify;
        double look_every, look_gap, grace, stall; /* seconds */
        double warn_celsius, stop_celsius;
        int64_t host_free; /* bytes */
    } node;
    ConfigEntries gpus, lanes, limits;
    struct {
        ConfigList admin, member;
    } roles;
    struct {
        double words_rate;
    } board;
    ConfigSections services; /* of RuleService */
} RuleConfig;

/* [service.NAME] */
typedef struct {
    ConfigText command, health, words;
} RuleService;

extern const ConfigTable rule_config;

#endif
