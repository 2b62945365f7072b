/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_read.h"
#include "base/config.h"
#include "base/files.h"
#include "base/utf8.h"
#include "pool/rule/rule_build.h"
#include "pool/rule/rule_names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A wrong rule is wrong data: of a program's own configuration it would be wrong usage. */
static Status as_data(Status status) {
    if (status_code(status) != EXIT_USAGE)
        return status;
    Status same = status_error(EXIT_DATA, "%s", status_message(status));
    status_free(status);
    return same;
}

/* What a rule says is shown on terminals and pages: no control character may be in it, and only valid UTF-8. */
static Status check_characters(const char *text, const char *path) {
    const char *stray = utf8_stray(text);
    int line = 1;
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (text == stray || (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
            return status_error(EXIT_DATA,
                                "%s:%d: a control character, or a byte that is not UTF-8 (0x%02x); remove it", path,
                                line, byte);
        line += byte == '\n';
    }
    return NULL;
}

Status rule_parse(const char *text, const char *path, FILE *warnings, Rule *rule) {
    TRY(check_characters(text, path));
    RuleConfig *config = malloc(sizeof *config);
    if (!config)
        return status_no_memory("a rule", sizeof *config);
    Status status = as_data(config_parse(&rule_config, config, text, path, warnings));
    if (!status) {
        status = rule_build(config, text, path, warnings, rule);
        config_free(&rule_config, config);
    }
    free(config);
    return status;
}

Status rule_read(const char *path, FILE *warnings, Rule *rule) {
    char *text;
    size_t size;
    if (!files_exists(path))
        return status_error(EXIT_DATA, "%s: there is no such rule; configs/node.ini is one to start from", path);
    TRY(files_read(path, &text, &size));
    Status status = strlen(text) == size ? rule_parse(text, path, warnings, rule)
                                         : status_error(EXIT_DATA, "%s: not a text file: it contains a NUL", path);
    free(text);
    return status;
}

void rule_default(const Gauges *gauges, Rule *rule) {
    const int count = gauges ? gauges_count(gauges) : 0;
    *rule = (Rule){.look_every = 5, .look_gap = 5, .grace = 60, .stall = 900, .host_free = INT64_C(8) << 30};
    rule->warn_celsius = 85;
    rule->stop_celsius = 90;
    rule_name_machine(rule->node);
    rule->lane_count = 1;
    strcpy(rule->lanes[0].name, "pool");
    rule->gpu_count = count < 1 ? 1 : count < POOL_GPUS ? count : POOL_GPUS;
    for (int i = 0; i < rule->gpu_count; i++) {
        rule->gpus[i] = (RuleGpu){.number = i, .cpu = count < 1};
        if (count > 0)
            snprintf(rule->gpus[i].id, sizeof rule->gpus[i].id, "%s", gauges_gpu(gauges, i)->uuid);
    }
    rule->admin_count = rule->member_count = 1;
    strcpy(rule->admins[0], geteuid() == 0 ? "root" : "*");
    strcpy(rule->members[0], "*");
}
