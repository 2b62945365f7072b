/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"
#include "base/status.h"
#include "base/threads.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: train CONFIG [--set section.key=value]... [--resume | --force] [--until STEP] [--max-hours H]\n"
    "       train CONFIG [--set section.key=value]... --plan [--gpu NAME]\n"
    "       train CONFIG [--set section.key=value]... --profile N\n"
    "       train --help [KEY]\n";

static const char help[] =
    "\nPretrains a masked autoencoder as CONFIG says, into its run directory (run.dir, otherwise runs/NAME).\n\n"
    "  --set section.key=value  overrides a key of CONFIG; later ones win\n"
    "  --resume                 goes on from the run directory's newest sound checkpoint\n"
    "  --force                  removes an existing run directory first\n"
    "  --until STEP             stops, with a checkpoint, after this step\n"
    "  --max-hours H            stops, with a checkpoint, after this time\n"
    "  --plan                   prints what the run would hold in memory and whether it fits (exit 0, or 76), its work "
    "and\n"
    "                           its checkpoints' size; nothing is run or written\n"
    "  --gpu NAME               with --plan: on such a GPU, as h100, instead of this machine's\n"
    "  --profile N              takes N steps and prints their time by phase and operation against what the device can "
    "do,\n"
    "                           and its idle share; nothing is written\n"
    "  --help KEY               explains one key of CONFIG; without KEY this text and all keys\n\n"
    "SIGTERM, SIGUSR1 and SIGINT finish the step, write a checkpoint and exit 75: --resume goes on exactly.\n"
    "Exit codes: 0 done, 64 usage or configuration, 65 data, 69 no working device, 74 input or output, 75 stopped,\n"
    "76 memory, 77 diverged.\n\n"
    "Keys:\n";

typedef struct {
    TrainOptions train;
    char **sets; /* [set_count], borrowed from argv */
    int set_count;
    bool plan;
    const char *gpu;
    int64_t profile; /* steps; 0: no profile */
    bool help;
    const char *help_key;
} Arguments;

static Status bad_usage(const char *what, const char *which) {
    return status_error(EXIT_USAGE, "%s %s (train --help shows the usage)", what, which);
}

enum { PROFILE_MOST = 10000 }; /* steps: each keeps its marks */

/* A whole number of 1 to `most`; `wants` is what the message says otherwise. */
static Status parse_count(const char *text, int64_t most, const char *wants, int64_t *count) {
    char *end;
    errno = 0;
    *count = strtoll(text, &end, 10);
    if (errno || end == text || *end || *count < 1 || *count > most)
        return bad_usage(wants, text);
    return NULL;
}

static Status parse_hours(const char *text, double *hours) {
    char *end;
    *hours = strtod(text, &end);
    if (end == text || *end || !isfinite(*hours) || *hours <= 0)
        return bad_usage("--max-hours wants a number over 0, not", text);
    return NULL;
}

/* Takes the option `name` of those with a value; *known is false when there is no such one. */
static Status take_value(Arguments *arguments, const char *name, char *value, bool *known) {
    bool set = strcmp(name, "--set") == 0, until = strcmp(name, "--until") == 0;
    bool gpu = strcmp(name, "--gpu") == 0, profile = strcmp(name, "--profile") == 0;
    *known = set || until || gpu || profile || strcmp(name, "--max-hours") == 0;
    if (!*known)
        return NULL;
    if (!value)
        return bad_usage("a value is missing after", name);
    if (set)
        arguments->sets[arguments->set_count++] = value;
    else if (gpu)
        arguments->gpu = value;
    else if (until)
        return parse_count(value, INT64_MAX, "--until wants a step of 1 or more, not", &arguments->train.until);
    else if (profile)
        return parse_count(value, PROFILE_MOST, "--profile wants 1 to 10000 steps, not", &arguments->profile);
    else
        return parse_hours(value, &arguments->train.max_hours);
    return NULL;
}

static Status parse(int argc, char **argv, Arguments *arguments) {
    for (int i = 1; i < argc; i++) {
        char *argument = argv[i];
        bool known;
        if (argument[0] != '-') {
            if (arguments->train.config_path)
                return bad_usage("only one CONFIG can be given, this is a second one:", argument);
            arguments->train.config_path = argument;
        } else if (strcmp(argument, "--help") == 0) {
            arguments->help = true;
            arguments->help_key = i + 1 < argc ? argv[i + 1] : NULL;
            return NULL;
        } else if (strcmp(argument, "--plan") == 0) {
            arguments->plan = true;
        } else if (strcmp(argument, "--resume") == 0) {
            arguments->train.resume = true;
        } else if (strcmp(argument, "--force") == 0) {
            arguments->train.force = true;
        } else {
            TRY(take_value(arguments, argument, argv[i + 1], &known));
            if (!known)
                return bad_usage("unknown option", argument);
            i++;
        }
    }
    const TrainOptions *train = &arguments->train;
    if (!train->config_path)
        return bad_usage("no CONFIG given: try", "configs/quickstart.ini");
    if (arguments->gpu && !arguments->plan)
        return bad_usage("only --plan takes", "--gpu: train.device says where a run goes");
    const bool runs = train->resume || train->force || train->until || train->max_hours > 0;
    if (arguments->plan && (runs || arguments->profile))
        return bad_usage("--plan runs nothing: it takes --set and --gpu,", "no option of a run");
    if (arguments->profile && runs)
        return bad_usage("--profile keeps nothing: it takes --set,", "no option of a run");
    return NULL;
}

static Status run(int argc, char **argv, Arguments *arguments) {
    TRY(parse(argc, argv, arguments));
    if (arguments->help) {
        if (!arguments->help_key)
            printf("%s%s", usage, help);
        return config_help(&train_config, arguments->help_key, stdout);
    }
    Config config;
    TRY(config_load(&train_config, &config, arguments->train.config_path, arguments->sets, arguments->set_count,
                    stderr));
    if (arguments->plan)
        return train_plan(&config, arguments->gpu);
    if (arguments->profile)
        return train_profile(&config, &arguments->train, arguments->profile);
    return train_run(&config, &arguments->train);
}

int main(int argc, char **argv) {
    threads_wait_passively(argv);
    /* A reader of the progress that goes away (`| head`) does not end the training. */
    signal(SIGPIPE, SIG_IGN);
    Arguments arguments = {.sets = calloc((size_t)argc, sizeof(char *))};
    Status status = arguments.sets ? run(argc, argv, &arguments) : status_no_memory("the options", (size_t)argc);
    if (status)
        fprintf(stderr, "train: %s\n", status_message(status));
    ExitCode code = status_code(status);
    status_free(status);
    free(arguments.sets);
    return (int)code;
}
