/* SPDX-License-Identifier: Apache-2.0 */
/* A task file: what is to be read out of which images. Its struct and the table of its keys (src/eval/task/task.c), for
 * base/config.h; docs/tasks.md has an example. */
#ifndef FOVEA_EVAL_TASK_H
#define FOVEA_EVAL_TASK_H

#include "base/config.h"

/* Where the split is from. */
typedef enum {
    TASK_SPLIT_PACK, /* the packs' own; a record without one is for training */
    TASK_SPLIT_TEST  /* every record is tested: a set that nothing was chosen on */
} TaskSplit;

/* What of the encoder's tokens a linear model reads. */
typedef enum {
    TASK_CLS,     /* the class token after the encoder's norm */
    TASK_MEAN,    /* the mean of the patches' tokens after it */
    TASK_POOLED,  /* a norm without parameters of the mean of the patches' tokens before it */
    TASK_CLS_MEAN /* the first two, one after the other */
} TaskFeatures;

/* What the encoder sees of an image: see evaluation_view(). */
typedef enum { TASK_VIEW_AUTO, TASK_VIEW_CENTER, TASK_VIEW_WHOLE } TaskView;

/* What learns from the labels. */
typedef enum { TASK_LINEAR, TASK_KNN, TASK_FINETUNE } TaskAdaptation;

/* Field names are the keys' own: data.label is task.data.label. */
typedef struct {
    struct {
        ConfigPaths packs;    /* separated by commas */
        ConfigText label;     /* columns, separated by commas */
        int kind;             /* EvalKind */
        double positive_from; /* a label is positive from here on; 0: it says so itself */
        TaskSplit split;
        double val_share;      /* of the people of train who choose instead */
        double max_unreadable; /* share of the images that may be unreadable */
    } data;
    struct {
        TaskFeatures tokens;
        TaskView view;
        int64_t image_size; /* 0: the encoder's own */
    } features;
    struct {
        TaskAdaptation method;
        ConfigText recipe; /* of fine-tuning, a configuration of ./train; empty: by the kind */
        int64_t seeds;     /* of fine-tuning: how many runs */
    } adapt;
    struct {
        ConfigText metric; /* empty: by the kind */
    } score;
    ConfigEntries bands; /* a column of numbers each, with the numbers that its bands begin with */
} TaskConfig;

extern const ConfigTable task_config;

/* score.metric, or where it is empty the usual one of the kind. */
const char *task_metric(const TaskConfig *task);
/* adapt.recipe, or where it is empty that of the kind in configs/. */
const char *task_recipe(const TaskConfig *task);

#endif
