/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task.h"

#include "eval/rows.h"

#include <string.h>

static const ConfigChoice kinds[] = {{"binary", EVAL_BINARY},         {"multiclass", EVAL_MULTICLASS},
                                     {"multilabel", EVAL_MULTILABEL}, {"ordinal", EVAL_ORDINAL},
                                     {"regression", EVAL_REGRESSION}, {NULL, 0}};
static const ConfigChoice splits[] = {{"pack", TASK_SPLIT_PACK}, {"test", TASK_SPLIT_TEST}, {NULL, 0}};
static const ConfigChoice tokens[] = {
    {"cls", TASK_CLS}, {"mean", TASK_MEAN}, {"pooled", TASK_POOLED}, {"cls+mean", TASK_CLS_MEAN}, {NULL, 0}};
static const ConfigChoice views[] = {
    {"auto", TASK_VIEW_AUTO}, {"center", TASK_VIEW_CENTER}, {"whole", TASK_VIEW_WHOLE}, {NULL, 0}};
static const ConfigChoice methods[] = {
    {"linear", TASK_LINEAR}, {"knn", TASK_KNN}, {"finetune", TASK_FINETUNE}, {NULL, 0}};

/* A row, whose field is named as its key is. What follows the help are further fields of the row. */
#define ROW(kind, at, section_, name_, unit_, help_)                                                                   \
    .section = #section_, .name = #name_, .type = kind, .offset = at, .unit = unit_, .help = help_
#define CHOICE(section, name, names, value, help)                                                                      \
    {                                                                                                                  \
        ROW(CONFIG_CHOICE, CONFIG_CHOICE_AT(TaskConfig, section.name), section, name, "", help), .choices = names,     \
                                                                                                 .fallback = value     \
    }
#define TEXT(section, name, help)                                                                                      \
    { ROW(CONFIG_STRING, CONFIG_AT(TaskConfig, section.name, ConfigText), section, name, "", help) }
#define PATHS(section, name, help)                                                                                     \
    { ROW(CONFIG_STRING, CONFIG_AT(TaskConfig, section.name, ConfigPaths), section, name, "", help), .paths = true }

static const ConfigKey keys[] = {
    PATHS(data, packs, "The pack that ./stage made of the data set, or several packs separated by commas."),
    TEXT(data, label,
         "The label: a column of the packs' labels, which ./stage info prints, or eye: right 0, left 1. "
         "multilabel takes several, separated by commas. An empty cell, nan or NA is not known and counts nowhere."),
    CHOICE(
        data, kind, kinds, EVAL_BINARY,
        "What the label is. binary: 0 or 1, see positive_from. multiclass: one of the classes 0, 1, ... ordinal: the "
        "same, in order. multilabel: 0 or 1 in each column. regression: a number."),
    {ROW(CONFIG_REAL, CONFIG_AT(TaskConfig, data.positive_from, double), data, positive_from, "",
         "The cut-off that makes a grade or a number binary: it is positive from this value on. With 2, grades "
         "of 2 and more are positive. binary and multilabel only."),
     .min = -1e9, .max = 1e9, .derived = "none: the label is 0 or 1 itself"},
    CHOICE(data, split, splits, TASK_SPLIT_PACK,
           "Which images train, choose and test. pack: the packs' own split (./stage split makes one by person); an "
           "image without a split trains. test: every image is tested, in a set that --external names."),
    {ROW(CONFIG_REAL, CONFIG_AT(TaskConfig, data.val_share, double), data, val_share, "",
         "Share of the people of train who choose instead, for a set that has no val of its own. They are drawn by "
         "their names, the same each time. Not with finetune, which takes the packs' own split."),
     .max = 0.9},
    {ROW(CONFIG_REAL, CONFIG_AT(TaskConfig, data.max_unreadable, double), data, max_unreadable, "",
         "Share of the images that may be unreadable; they are left out and listed. With more of them nothing is "
         "evaluated."),
     .max = 1, .fallback = 0.005},

    CHOICE(
        features, tokens, tokens, TASK_MEAN,
        "What of the encoder's output a linear model reads. cls: the class token after the encoder's norm. mean: the "
        "mean of the patches' tokens after it. cls+mean: both. pooled: a norm without parameters of the mean of the "
        "patches' tokens before it, which weights without that norm have, too, such as RETFound's fine-tuned ones."),
    CHOICE(features, view, views, TASK_VIEW_AUTO,
           "What the encoder sees of an image. center: the short side is resized to 256 / 224 of the encoder's image "
           "size and the centre cut out, as RETFound does at 224 pixels. whole: resized to that size itself. auto: "
           "center up to 224 pixels, whole above."),
    {ROW(CONFIG_INTEGER, CONFIG_AT(TaskConfig, features.image_size, int64_t), features, image_size, "pixels",
         "Side of the image that the encoder sees, a multiple of its patches' side. At another side than its own its "
         "position embeddings are resized."),
     .max = 8192, .derived = "the encoder's own"},

    CHOICE(
        adapt, method, methods, TASK_LINEAR,
        "What learns from the labels. linear: logistic or ridge regression on the features, its penalty chosen by "
        "val. knn: the nearest training images by the features' angle, weighted. finetune: all weights are trained."),
    TEXT(adapt, recipe,
         "The configuration of ./train that finetune trains by. Empty: configs/finetune_classify.ini, "
         "finetune_multilabel.ini, finetune_ordinal.ini or finetune_regress.ini, by the kind."),
    {ROW(CONFIG_INTEGER, CONFIG_AT(TaskConfig, adapt.seeds, int64_t), adapt, seeds, "runs",
         "How often finetune trains, each time with the next seed. What they differ by is shown beside the score, and "
         "is no part of its interval."),
     .min = 1, .max = 100, .fallback = 1},

    TEXT(score, metric,
         "The figure that the task is judged by (docs/metrics.md). Empty: auroc, auroc_macro_ovr, auroc_macro, "
         "kappa_quadratic or r2, by the kind."),

    {.section = "bands",
     .name = "*",
     .type = CONFIG_REAL,
     .offset = offsetof(TaskConfig, bands),
     .min = -1e9,
     .max = 1e9,
     .list = true,
     .unit = "",
     .help = "Subgroups by a number, such as the age: the key is a column of the packs' labels, its values are where a "
             "further band begins. age = 50, 65 makes three: below 50, 50 to below 65, from 65 on."},
};

static Status check_bands(const TaskConfig *task, const char *path) {
    for (int i = 0; i < task->bands.count; i++) {
        const ConfigEntry *entry = &task->bands.entries[i];
        for (int n = 1; n < entry->list.count; n++)
            if (entry->list.values[n].real <= entry->list.values[n - 1].real)
                return status_error(EXIT_USAGE, "%s: bands.%s: %g comes after %g; give rising numbers", path,
                                    entry->name, entry->list.values[n].real, entry->list.values[n - 1].real);
    }
    return NULL;
}

static Status check_task(const void *values, const char *path) {
    const TaskConfig *task = values;
    const bool cuts = task->data.kind == EVAL_BINARY || task->data.kind == EVAL_MULTILABEL;
    if (!*task->data.packs || !*task->data.label)
        return status_error(EXIT_USAGE, "%s: data.%s is empty; name the %s", path,
                            *task->data.packs ? "label" : "packs",
                            *task->data.packs ? "column that is the label" : "pack, see ./stage");
    if (strchr(task->data.label, ',') && task->data.kind != EVAL_MULTILABEL)
        return status_error(EXIT_USAGE, "%s: data.label = %s: only data.kind = multilabel takes several columns", path,
                            task->data.label);
    if (task->data.positive_from != 0 && !cuts)
        return status_error(EXIT_USAGE,
                            "%s: data.positive_from = %g: only data.kind = binary and multilabel have a cut-off; "
                            "change one of them",
                            path, task->data.positive_from);
    if (task->data.val_share > 0 && task->adapt.method == TASK_FINETUNE)
        return status_error(EXIT_USAGE,
                            "%s: data.val_share = %g: adapt.method = finetune takes the packs' own split; make one by "
                            "./stage split, and set data.val_share = 0",
                            path, task->data.val_share);
    return check_bands(task, path);
}

const ConfigTable task_config = {.keys = keys,
                                 .size = sizeof(TaskConfig),
                                 .key_count = sizeof keys / sizeof *keys,
                                 .help_command = "./eval --help",
                                 .check = check_task};

const char *task_metric(const TaskConfig *task) {
    static const char *const usual[] = {[EVAL_BINARY] = "auroc",
                                        [EVAL_MULTICLASS] = "auroc_macro_ovr",
                                        [EVAL_MULTILABEL] = "auroc_macro",
                                        [EVAL_ORDINAL] = "kappa_quadratic",
                                        [EVAL_REGRESSION] = "r2"};
    return *task->score.metric ? task->score.metric : usual[task->data.kind];
}

const char *task_recipe(const TaskConfig *task) {
    static const char *const usual[] = {[EVAL_BINARY] = "configs/finetune_classify.ini",
                                        [EVAL_MULTICLASS] = "configs/finetune_classify.ini",
                                        [EVAL_MULTILABEL] = "configs/finetune_multilabel.ini",
                                        [EVAL_ORDINAL] = "configs/finetune_ordinal.ini",
                                        [EVAL_REGRESSION] = "configs/finetune_regress.ini"};
    return *task->adapt.recipe ? task->adapt.recipe : usual[task->data.kind];
}
