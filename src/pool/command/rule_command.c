/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/rule_command.h"
#include "base/files.h"
#include "gauges/gauges.h"
#include "pool/client.h"
#include "pool/process.h"
#include "pool/rule/rule.h"
#include "pool/rule/rule_words.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies the text that the daemon answered with. */
static Status print_text(int descriptor) {
    struct stat about;
    if (fstat(descriptor, &about))
        return files_failure("read", "the daemon's answer", errno);
    const size_t size = (size_t)about.st_size;
    char *text = malloc(size + 1);
    if (!text)
        return status_no_memory("the rule", size);
    Status status = files_read_at(descriptor, "the daemon's answer", text, size, 0);
    if (!status)
        fwrite(text, 1, size, stdout);
    free(text);
    return status;
}

static Status print_daemons(const PoolOptions *options) {
    PoolClient *client;
    cJSON *answer = NULL;
    int text;
    TRY(pool_client_open(options->state, false, &client));
    Status status = pool_client_pass(client, "rule", NULL, NULL, 0, &answer, &text);
    pool_client_close(client);
    cJSON_Delete(answer);
    TRY(status);
    if (text < 0)
        return status_error(EXIT_INTERNAL, "the daemon sent no rule");
    status = print_text(text);
    close(text);
    return status;
}

/* Rules are also written on machines without a GPU: there only a daemon would miss those of the rule. */
static Status read_rule(const char *path, const Gauges *gauges, Rule *rule) {
    int devices[POOL_GPUS];
    bool cpus = true;
    if (!path) {
        rule_default(gauges, rule);
        return NULL;
    }
    TRY(rule_read(path, stderr, rule));
    for (int i = 0; i < rule->gpu_count; i++)
        cpus = cpus && rule->gpus[i].cpu;
    if (cpus || gauges_count(gauges) > 0)
        return rule_match(rule, gauges, devices);
    fprintf(stderr, "warning: %s: its GPUs were not looked for on this machine: %s\n", path, gauges_missing(gauges));
    return NULL;
}

/* The rule at `path`; NULL: the default one. `alone`: of a daemon of this user's, who is its admin. */
static Status print_own(const char *path, bool alone) {
    Gauges *gauges;
    char user[POOL_NAME];
    Rule *rule = calloc(1, sizeof *rule);
    if (!rule)
        return status_no_memory("the rule", sizeof *rule);
    Status status = gauges_open(&gauges);
    if (!status) {
        status = read_rule(path, gauges, rule);
        gauges_close(gauges);
    }
    process_user(getuid(), user);
    if (alone && getuid() != 0 && rule->admin_count < POOL_LANES)
        process_user(getuid(), rule->admins[rule->admin_count++]);
    if (!status)
        rule_print(rule, getuid(), user, stdout);
    free(rule);
    return status;
}

/* What a daemon that is started now would serve by. */
static Status print_coming(const PoolOptions *options) {
    char *folder, *path;
    TRY(pool_state_folder(options->state, &folder));
    Status status = files_path(&path, "%s/rule.ini", folder);
    if (!status) {
        printf("No daemon serves %s; one would serve by %s:\n", folder,
               files_exists(path) ? path : "the rule of a machine without one");
        status = print_own(files_exists(path) ? path : NULL, true);
    }
    free(path);
    free(folder);
    return status;
}

Status rule_command(const PoolOptions *options) {
    if (options->check)
        return print_own(options->check, false);
    Status status = print_daemons(options);
    if (status_code(status) != EXIT_MISSING)
        return status;
    status_free(status);
    return print_coming(options);
}
