/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_keys.h"

#define ROW(type_, offset_, section_, name_, unit_, help_)                                                             \
    .section = #section_, .name = #name_, .type = type_, .offset = offset_, .unit = unit_, .help = help_
#define TEXT(section_, name_, help_)                                                                                   \
    { ROW(CONFIG_STRING, CONFIG_AT(RuleConfig, section_.name_, ConfigText), section_, name_, "", help_) }
#define SECONDS(name_, least_, fallback_, help_)                                                                       \
    {                                                                                                                  \
        ROW(CONFIG_DURATION, CONFIG_AT(RuleConfig, node.name_, double), node, name_, "", help_),                       \
            .min = least_, .max = 31 * 86400, .fallback = fallback_                                                    \
    }
#define CELSIUS(name_, fallback_, help_)                                                                               \
    {                                                                                                                  \
        ROW(CONFIG_REAL, CONFIG_AT(RuleConfig, node.name_, double), node, name_, "C", help_), .min = 20, .max = 150,   \
                                                                                              .fallback = fallback_    \
    }
#define ANY_NAME(section_, offset_, help_)                                                                             \
    { .section = #section_, .name = "*", .type = CONFIG_STRING, .offset = offset_, .unit = "", .help = help_ }
#define USERS(name_, text_, help_)                                                                                     \
    {                                                                                                                  \
        ROW(CONFIG_STRING, CONFIG_AT(RuleConfig, roles.name_, ConfigList), roles, name_, "", help_), .text = text_,    \
                                                                                                     .list = true      \
    }

static const ConfigKey keys[] = {
    {ROW(CONFIG_STRING, CONFIG_AT(RuleConfig, node.name, ConfigText), node, name, "",
         "What the node is called in tables and messages."),
     .derived = "the machine's name"},
    TEXT(
        node, loan,
        "First and last day on which the node is lent, as 2026-11-01 2026-12-31, in the machine's time zone. The clock "
        "counts them, and at the end of the last one jobs stop with a checkpoint. Empty: no end."),
    SECONDS(look_every, 0.01, 5, "Time between two rounds of looks at a free GPU."),
    SECONDS(look_gap, 0.01, 5, "Time between the two looks of a round; a GPU is idle when both found it so."),
    SECONDS(grace, 0, 60, "How long a job that was asked to stop has for its checkpoint before it is killed."),
    SECONDS(stall, 0.1, 900, "How long a job may be without progress before it is stopped and queued again."),
    CELSIUS(warn_celsius, 85, "From this temperature on a GPU gets no new job, and a warning is given."),
    CELSIUS(stop_celsius, 90, "At this temperature the job on a GPU stops with a checkpoint."),
    {ROW(CONFIG_SIZE, CONFIG_AT(RuleConfig, node.host_free, int64_t), node, host_free, "",
         "Memory of the machine that stays free. Jobs that claim more than the rest are refused; below it the job that "
         "grew most stops with a checkpoint."),
     .min = 0, .max = 0x1p50, .fallback = 0x1p33},
    TEXT(node, notify,
         "A program that gets each event (a queue that runs dry, a GPU that is lost, a job that failed for good) as "
         "one JSON object on its standard input. Empty: none."),

    ANY_NAME(gpus, offsetof(RuleConfig, gpus),
             "The GPU of that number: its UUID (GPU-...), which nvidia-smi -L prints, or its PCI address. An index "
             "works with a warning, since it can name another GPU after a restart. cpu: a slot without a GPU."),
    ANY_NAME(lanes, offsetof(RuleConfig, lanes),
             "The lane of that name: its kind, its GPUs and its owner. pool 2-7: leases and the filler. owner 1 "
             "engine: that user's alone. service 0: one server, and no jobs."),
    USERS(admin, "root", "Users, separated by commas, who may act on everybody's jobs and on GPUs. *: all."),
    USERS(member, "*", "Users, separated by commas, who may use lanes of the kind pool. *: all."),
    ANY_NAME(limits, offsetof(RuleConfig, limits),
             "queued N: most jobs of the user of that name that wait at once; of the user *: of each user without a "
             "line."),
    {ROW(CONFIG_REAL, CONFIG_AT(RuleConfig, board.words_rate, double), board, words_rate, "",
         "Price of a million words of a language model elsewhere, for the public page."),
     .min = 0, .max = 1e6},
};

#define SERVICE(name_, help_)                                                                                          \
    { ROW(CONFIG_STRING, CONFIG_AT(RuleService, name_, ConfigText), service, name_, "", help_) }

static const ConfigKey service_keys[] = {
    SERVICE(command, "The server's command line."),
    SERVICE(health, "An address that answers while the server works, http://..."),
    SERVICE(words, "The address of the server's metrics and the name of its count of words there."),
};

static const ConfigTable service_table = {.size = sizeof(RuleService),
                                          .keys = service_keys,
                                          .key_count = sizeof service_keys / sizeof *service_keys,
                                          .help_command = "docs/rule.md"};

static const ConfigNamed sections[] = {{"service", &service_table, offsetof(RuleConfig, services)}};

const ConfigTable rule_config = {.size = sizeof(RuleConfig),
                                 .keys = keys,
                                 .key_count = sizeof keys / sizeof *keys,
                                 .named = sections,
                                 .named_count = 1,
                                 .help_command = "docs/rule.md"};
