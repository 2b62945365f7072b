/* SPDX-License-Identifier: Apache-2.0 */
/* What a call of ./eval is asked for. */
#ifndef FOVEA_EVAL_OPTIONS_H
#define FOVEA_EVAL_OPTIONS_H

#include "base/options.h"
#include "device/device.h"

#include <stdint.h>

typedef enum { EVAL_FP32, EVAL_BF16 } EvalPrecision;

/* Texts are borrowed; NULL where they were not given. */
typedef struct {
    OptionTexts checkpoints; /* as in encoder_open() */
    const char *curve;       /* the directory of a run, whose checkpoints are taken instead */
    const char *task;        /* a task file */
    OptionTexts task_sets;   /* "section.key=value" of it */
    const char *against;     /* the baseline */
    const char *external;    /* another task file, whose images are tested */
    OptionTexts recipe_sets; /* the same of the recipe that fine-tunes */
    bool control;
    int b;        /* scrambles; 0: 199, for fine-tuning 19 */
    double alpha; /* p up to which something was learnt */
    const char *pretraining;
    const char *out;      /* folder of the report; NULL: TASK in features_folder() of the first checkpoint */
    const char *card;     /* file of a model card; NULL: none */
    const char *features; /* file of features; nothing is evaluated then */
    const char *predict;  /* folder of images, which are predicted into the file `out`; nothing is evaluated then */
    bool forgetting;      /* two checkpoints and any number of tasks, separated by commas: forget_run() */
    int bootstraps;
    uint64_t seed;   /* of all that is drawn */
    int device;      /* DeviceKind */
    int precision;   /* EvalPrecision */
    int threads;     /* 0: one for each core */
    const char *key; /* as in weights_open() */
    int heads;       /* 0: see EncoderHints */
} EvalOptions;

#endif
