/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of synth. */
#ifndef SYNTH_ARGUMENTS_H
#define SYNTH_ARGUMENTS_H

#include "base/options.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum { FORMAT_JPEG, FORMAT_PNG, FORMAT_MIXED } Format;
typedef enum { LAYOUT_FOLDER, LAYOUT_AIREADI } Layout;
typedef enum { PLANT_NONE, PLANT_DAMAGE, PLANT_SPLITS, PLANT_COPIES } Planting;

typedef struct {
    const char *out;
    int64_t people, images; /* images: how many are written, the rest of people x 2 x visits being dropped */
    uint64_t seed;
    int visits, size, quality, threads;
    double val, test; /* shares of the people */
    Format format;
    Layout layout;
    /* In the layout aireadi: */
    Planting plant; /* mistakes, with OUT/truth.tsv listing them */
    int mistakes;   /* of each kind */
    int manifest;   /* the release, 1 to 3, whose columns and paths the tables have */
    bool force;
} Arguments;

extern const Program synth_program;

/* Checks what options demand of each other and fills in what was left open: `people` and `images` are both set on
 * success. EXIT_USAGE naming the options. */
Status arguments_settle(Arguments *arguments) MUST_USE;

#endif
