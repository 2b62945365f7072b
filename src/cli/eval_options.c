/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/eval_options.h"

#include "eval/task.h"

#define AT(field) offsetof(EvalOptions, field)

static const char *const devices[] = {"auto", "cpu", "cuda", "emu", NULL};
static const char *const precisions[] = {"fp32", "bf16", NULL};

static const Option options[] = {
    {.name = "CHECKPOINT",
     .type = OPTION_PATHS,
     .offset = AT(checkpoints),
     .optional = true,
     .help = "What is evaluated: the directory of a run, whose newest checkpoint is taken, a checkpoint in it, or a "
             "file of weights of any program that convert reads. With \":random\" after it: random weights of that "
             "shape."},
    {.name = "--task",
     .value = "TASK",
     .type = OPTION_PATH,
     .offset = AT(task),
     .help = "Task file; configs/tasks/ has some."},
    {.name = "--set",
     .value = "section.key=value",
     .type = OPTION_TEXTS,
     .offset = AT(task_sets),
     .topic = true,
     .help = "Overrides a key of TASK; the last one for a key wins."},
    {.name = "--against",
     .value = "BASELINE",
     .type = OPTION_PATH,
     .offset = AT(against),
     .help = "A checkpoint that every other one is compared with on the same people."},
    {.name = "--curve",
     .value = "RUN",
     .type = OPTION_PATH,
     .offset = AT(curve),
     .help = "Evaluates the checkpoints of a run along its training, see checkpoint.keep_at of train, in place of "
             "CHECKPOINT."},
    {.name = "--external",
     .value = "TASK2",
     .type = OPTION_PATH,
     .offset = AT(external),
     .help = "Tests what TASK trained and chose on the images of another set, with data.split = test in its file."},
    {.name = "--recipe-set",
     .value = "section.key=value",
     .type = OPTION_TEXTS,
     .offset = AT(recipe_sets),
     .help = "Overrides a key of adapt.recipe, the configuration of train that fine-tunes."},
    {.name = "--control",
     .type = OPTION_FLAG,
     .offset = AT(control),
     .help =
         "Asks whether the score can be believed: scrambles the labels by person and learns again, looks for people "
         "and photographs on two sides of the split, and at the metadata and the pretraining. Suspect and leaking "
         "scores end with exit code 65."},
    {.name = "--b",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(b),
     .min = 1,
     .max = 1000000,
     .unset = "199, for fine-tuning 19",
     .help = "Scrambles of --control."},
    {.name = "--alpha",
     .value = "P",
     .type = OPTION_REAL,
     .offset = AT(alpha),
     .min = 0,
     .above = true,
     .max = 0.5,
     .fallback = "0.05",
     .help = "Up to which p of --control something was learnt."},
    {.name = "--pretraining",
     .value = "TSV",
     .type = OPTION_PATH,
     .offset = AT(pretraining),
     .unset = "data/pretraining.tsv, where it is there",
     .help = "Table of what published weights were pretrained on."},
    {.name = "--out",
     .value = "DIR",
     .type = OPTION_PATH,
     .offset = AT(out),
     .unset = "RUN/eval/TASK, runs/eval/TASK for weights of no run",
     .help = "Folder of report.json and report.html, or of forgetting.json; the CSV file of --predict."},
    {.name = "--card",
     .value = "CARD.md",
     .type = OPTION_PATH,
     .offset = AT(card),
     .help = "Writes a model card, too, of the first checkpoint, or with --curve of the last."},
    {.name = "--features",
     .value = "FILE",
     .type = OPTION_PATH,
     .offset = AT(features),
     .help = "Writes the features of all images of TASK as HDF5, and evaluates nothing."},
    {.name = "--predict",
     .value = "DIR",
     .type = OPTION_PATH,
     .offset = AT(predict),
     .help = "Predicts the images of a folder by what CHECKPOINT learns from TASK, into the file --out, and tests "
             "nothing."},
    {.name = "--forgetting",
     .type = OPTION_FLAG,
     .offset = AT(forgetting),
     .help = "Compares the losses of two CHECKPOINTs, before and after a further training of a masked autoencoder, on "
             "the val and test images of TASK, which may be several separated by commas. No label counts."},
    {.name = "--bootstraps",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(bootstraps),
     .min = 2,
     .max = 1000000,
     .fallback = "2000",
     .help = "Draws of people that intervals are made of."},
    {.name = "--seed",
     .value = "N",
     .type = OPTION_INTEGER,
     .offset = AT(seed),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "1",
     .help = "Seed of what is drawn: the people of the bootstraps, the scrambles."},
    {.name = "--device",
     .type = OPTION_CHOICE,
     .choices = devices,
     .offset = AT(device),
     .fallback = "auto",
     .help = "Where the encoder computes; auto is a GPU that works, else the CPU."},
    {.name = "--precision",
     .type = OPTION_CHOICE,
     .choices = precisions,
     .offset = AT(precision),
     .fallback = "fp32",
     .help = "What the encoder computes in."},
    {.name = "--threads",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(threads),
     .min = 1,
     .max = 4096,
     .unset = "all cores",
     .help = "Threads of the CPU. No number depends on it."},
    {.name = "--key",
     .value = "ENTRY",
     .type = OPTION_TEXT,
     .offset = AT(key),
     .unset = "model, teacher or state_dict, else the file's own dictionary",
     .help = "Entry of a PyTorch file that has the tensors; a run has none."},
    {.name = "--heads",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(heads),
     .min = 1,
     .max = 1024,
     .unset = "as many as are 64 wide",
     .help = "Attention heads of weights of no run, whose file does not tell."},
    {0},
};

static const char *const examples[] = {
    "eval runs/vit_base --task configs/tasks/drawn_eye.ini",
    "eval runs/vit_base --against runs/vit_base:random --task configs/tasks/aireadi_age.ini --control",
    "eval --curve runs/vit_large --against RETFound.pth --task configs/tasks/aireadi_age.ini",
    "eval runs/vit_base --task configs/tasks/idrid.ini --external configs/tasks/messidor2.ini",
    "eval runs/vit_base --task configs/tasks/idrid.ini --predict photographs --out predictions.csv",
    "eval --forgetting runs/vit_base runs/further --task configs/tasks/idrid.ini",
    "eval --help data.label",
    NULL,
};

static const ExitCode exits[] = {EXIT_USAGE,   EXIT_DATA,      EXIT_MISSING,  EXIT_INTERNAL, EXIT_IO,
                                 EXIT_STOPPED, EXIT_NO_MEMORY, EXIT_DIVERGED, EXIT_OK};

static Status explain_key(const char *key, FILE *out) {
    return config_help(&task_config, key, out);
}

static void list_keys(FILE *out) {
    for (int i = 0; i < task_config.key_count; i++)
        fprintf(out, "%s.%s\n", task_config.keys[i].section, task_config.keys[i].name);
}

const Program eval_program = {
    .name = "eval",
    .summary = "evaluate checkpoints on held-out retinal tasks",
    .about = "Reads a label out of each CHECKPOINT's features, or fine-tunes it, on the train people of TASK, chooses "
             "on the val people, and tests once on the others. Prints the report and writes it as report.json and "
             "report.html.",
    .options = options,
    .notes = "Each test is logged beside the task file, in TASK.reads.jsonl, and the report says how many came before. "
             "A score of the test split that was read often is no longer that of unseen people.",
    .examples = examples,
    .exits = exits,
    .topics = {.name = "KEY",
               .title = "keys of TASK",
               .help = "Explains a key of TASK or a section; without KEY prints help and all keys.",
               .explain = explain_key,
               .list = list_keys},
};
