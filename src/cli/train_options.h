/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ./train. */
#ifndef FOVEA_CLI_TRAIN_OPTIONS_H
#define FOVEA_CLI_TRAIN_OPTIONS_H

#include "base/options.h"
#include "train/train.h"

typedef struct {
    TrainOptions train;
    OptionTexts sets; /* "section.key=value" */
    bool plan, json;
    const char *gpu;
    int64_t profile; /* steps; 0: no profile */
} TrainArguments;

extern const Program train_program;

#endif
