/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pool.h"
#include "base/files.h"
#include "pool/client.h"
#include "pool/command/act_command.h"
#include "pool/command/rule_command.h"
#include "pool/command/run_command.h"
#include "pool/command/show_command.h"
#include "pool/command/submit_command.h"
#include "pool/command/wait_command.h"
#include "pool/daemon/daemon.h"
#include "pool/daemon/parts/gauge_reader.h"
#include "pool/keeper/keeper.h"
#include "pool/sim.h"
#include "pool/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} helpers[] = {{"pool-keeper", keeper_main}, {"pool-gauges", gauge_reader_main}};

bool pool_is_helper(const char *name) {
    return strcmp(name, helpers[0].name) == 0 || strcmp(name, helpers[1].name) == 0;
}

int pool_helper(int argc, char **argv) {
    return helpers[strcmp(argv[0], helpers[0].name) != 0].run(argc, argv);
}

static Status serve(const PoolOptions *options) {
    char *folder;
    TRY(pool_state_folder(options->state, &folder));
    char *rule = options->rule ? realpath(options->rule, NULL) : NULL;
    Status status = daemon_run(folder, options->rule ? (rule ? rule : options->rule) : NULL);
    free(rule);
    free(folder);
    return status;
}

static Status sweep_command(PoolOptions *options) {
    const OptionTexts *words = &options->sweep;
    const bool shows = words->count == 2 && strcmp(words->list[0], "show") == 0;
    bool well = true;
    if (options->detach && options->slurm)
        return status_error(EXIT_USAGE, "--slurm queues no trials: drop --detach");
    if (shows && (options->detach || options->slurm))
        return status_error(EXIT_USAGE, "--detach and --slurm need a sweep's file: show only prints how it stands");
    if (!shows && options->json)
        return status_error(EXIT_USAGE, "--json prints how a sweep stands: pool sweep show NAME --json");
    if (!shows && words->count != 1)
        return status_error(EXIT_USAGE, "sweep takes a file, or the word show and a name: pool sweep show lr");
    if (shows)
        TRY(sweep_show(words->list[1], options->state, options->json, &well));
    else
        TRY(sweep_run(
            &(SweepOptions){
                .file = words->list[0], .state = options->state, .detach = options->detach, .slurm = options->slurm},
            &well));
    options->exit = !well;
    return NULL;
}

Status pool_command(PoolOptions *options) {
    switch ((PoolCommand)options->command) {
    case POOL_RUN:
        return run_command(options);
    case POOL_SUBMIT:
        return submit_command(options);
    case POOL_STATUS:
        return show_status(options);
    case POOL_JOBS:
        return show_jobs(options);
    case POOL_WHY:
        return show_why(options);
    case POOL_TOP:
        return show_top(options);
    case POOL_CLOCK:
        return show_clock(options);
    case POOL_LOGS:
        return logs_command(options);
    case POOL_WAIT:
        return wait_command(options);
    case POOL_CANCEL:
        return act_on_jobs(options, "cancel");
    case POOL_HOLD:
        return act_on_jobs(options, "hold");
    case POOL_RELEASE:
        return act_on_jobs(options, "release");
    case POOL_RETRY:
        return act_on_jobs(options, "retry");
    case POOL_FILLER:
        return act_on_filler(options);
    case POOL_GPU:
        return act_on_gpu(options);
    case POOL_GHOSTS:
        return show_ghosts(options);
    case POOL_LOOKS:
        return show_lines(options, "looks");
    case POOL_LEDGER:
        return show_lines(options, "ledger");
    case POOL_AUDIT:
        return show_lines(options, "audit");
    case POOL_RULE:
        return rule_command(options);
    case POOL_SWEEP:
        return sweep_command(options);
    case POOL_SIM:
        return pool_sim(options->in, options->out, stdout);
    case POOL_DAEMON:
        return serve(options);
    }
    return status_error(EXIT_INTERNAL, "command %d is not in the table", options->command);
}
