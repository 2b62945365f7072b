/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"
#include "base/config.h"
#include "base/program.h"
#include "base/threads.h"
#include "cli/train_options.h"
#include "train/plan.h"
#include "train/profile.h"

#include <signal.h>

/* What options demand of each other. */
static Status check_arguments(const TrainArguments *arguments) {
    const TrainOptions *train = &arguments->train;
    const bool runs = train->resume || train->force || train->until || train->max_hours > 0;
    if (arguments->gpu && !arguments->plan)
        return status_error(EXIT_USAGE, "--gpu needs --plan; for a run, set train.device");
    if (arguments->json && !arguments->plan)
        return status_error(EXIT_USAGE, "--json needs --plan; a run writes run.json and metrics.jsonl");
    if (arguments->plan && (runs || arguments->profile))
        return status_error(EXIT_USAGE, "--plan runs nothing: only --set, --gpu and --json may be given with it");
    if (arguments->profile && runs)
        return status_error(EXIT_USAGE, "--profile writes nothing: only --set may be given with it");
    return NULL;
}

static Status run(void *context) {
    const TrainArguments *arguments = context;
    Config config;
    TRY(check_arguments(arguments));
    TRY(config_load(&train_config, &config, arguments->train.config_path, arguments->sets.list, arguments->sets.count,
                    stderr));
    if (arguments->plan)
        return train_plan(&config, &(PlanOptions){.config_path = arguments->train.config_path,
                                                  .gpu = arguments->gpu,
                                                  .json = arguments->json});
    if (arguments->profile)
        return train_profile(&config, &arguments->train, arguments->profile);
    return train_run(&config, &arguments->train);
}

int main(int argc, char **argv) {
    threads_wait_passively(argv);
    /* A reader of the progress that goes away (`| head`) does not end the training. */
    signal(SIGPIPE, SIG_IGN);
    TrainArguments arguments = {0};
    return program_main(&train_program, argc, argv, &arguments, run);
}
