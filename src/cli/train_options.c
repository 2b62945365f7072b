/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_options.h"

#include "base/config.h"
#include "train/config.h"

enum { MAX_PROFILE = 10000 }; /* steps: each keeps its marks */

#define AT(field) offsetof(TrainArguments, field)

static const Option options[] = {
    {.name = "CONFIG",
     .type = OPTION_PATH,
     .offset = AT(train.config_path),
     .help = "Configuration file; configs/ has some to start from."},
    {.name = "--set",
     .value = "section.key=value",
     .type = OPTION_TEXTS,
     .offset = AT(sets),
     .topic = true,
     .help = "Overrides a key of CONFIG; the last one for a key wins."},
    {.name = "--resume",
     .type = OPTION_FLAG,
     .offset = AT(train.resume),
     .help = "Continues from the newest valid checkpoint of the run directory."},
    {.name = "--force",
     .type = OPTION_FLAG,
     .offset = AT(train.force),
     .help = "Removes what an earlier run wrote in the run directory first; other files in it stay."},
    {.name = "--until",
     .value = "STEP",
     .type = OPTION_INTEGER,
     .offset = AT(train.until),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .help = "Stops after this step, with a checkpoint."},
    {.name = "--max-hours",
     .value = "H",
     .type = OPTION_REAL,
     .offset = AT(train.max_hours),
     .min = 0,
     .above = true,
     .max = OPTION_NO_LIMIT,
     .help = "Stops after this time, with a checkpoint."},
    {.name = "--plan",
     .type = OPTION_FLAG,
     .offset = AT(plan),
     .help = "Prints the memory that the run needs and whether it fits (exit code 0, or 76), its work and the size of "
             "its checkpoints. Runs and writes nothing."},
    {.name = "--gpu",
     .value = "NAME",
     .type = OPTION_TEXT,
     .offset = AT(gpu),
     .help = "With --plan: plans for a GPU of this name, such as h100, instead of this machine."},
    {.name = "--json",
     .type = OPTION_FLAG,
     .offset = AT(json),
     .help =
         "With --plan: prints JSON for programs, with hashes of the configuration, of the data, and of what decides "
         "the results."},
    {.name = "--profile",
     .value = "N",
     .type = OPTION_INTEGER,
     .offset = AT(profile),
     .min = 1,
     .max = MAX_PROFILE,
     .help =
         "Takes N steps and prints their time by phase and operation, the device's best measured rates, and its idle "
         "share. Writes nothing."},
    {0},
};

static const char *const examples[] = {
    "train configs/quickstart.ini",
    "train configs/vit_base.ini --set data.train=packs/cfp --set train.seed=2",
    "train configs/vit_base.ini --resume --max-hours 11.5",
    "train configs/vit_large.ini --plan --gpu h100",
    "train --help optim.base_lr",
    NULL,
};

static const ExitCode exits[] = {EXIT_USAGE,   EXIT_DATA,      EXIT_MISSING,  EXIT_INTERNAL, EXIT_IO,
                                 EXIT_STOPPED, EXIT_NO_MEMORY, EXIT_DIVERGED, EXIT_OK};

static Status explain_key(const char *key, FILE *out) {
    return config_help(&train_config, key, out);
}

static void list_keys(FILE *out) {
    for (int i = 0; i < train_config.key_count; i++)
        fprintf(out, "%s.%s\n", train_config.keys[i].section, train_config.keys[i].name);
}

const Program train_program = {
    .name = "train",
    .summary = "pretrain or fine-tune a vision transformer on retinal images",
    .about = "Pretrains a masked autoencoder or trains a ViT towards labels, as CONFIG says, and writes the run "
             "directory: run.dir, or runs/NAME for "
             "NAME.ini.",
    .options = options,
    .notes = "SIGTERM, SIGHUP, SIGUSR1 and SIGINT finish the step, write a checkpoint and exit with 75; --resume then "
             "continues with the same results as an uninterrupted run. A run that nohup started outlives its terminal.",
    .examples = examples,
    .exits = exits,
    .topics = {.name = "KEY",
               .title = "keys of CONFIG",
               .help = "Explains a key of CONFIG or a section; without KEY prints help and all keys.",
               .explain = explain_key,
               .list = list_keys},
};
