/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ./stage. */
#ifndef FOVEA_CLI_STAGE_OPTIONS_H
#define FOVEA_CLI_STAGE_OPTIONS_H

#include "base/options.h"
#include "stage/stage.h"

/* In the order of the table. */
typedef enum { STAGE_AIREADI, STAGE_FOLDER, STAGE_VERIFY, STAGE_INFO, STAGE_SPLIT, STAGE_FORGET } StageCommand;

typedef struct {
    int command; /* StageCommand */
    StageOptions stage;
    int64_t shard_mib;
    const char *pack, *sheet;
    bool anyway, remove;
    double val, test;
    uint64_t seed;
} StageArguments;

extern const Program stage_program;

#endif
