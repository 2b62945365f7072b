/* SPDX-License-Identifier: Apache-2.0 */
/* The file that describes a sweep; docs/sweep.md explains its keys. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_SWEEP_FILE_H
#define FOVEA_POOL_SWEEP_TRIALS_SWEEP_FILE_H

#include "base/config.h"

typedef struct {
    ConfigText name, base, command, metric;
    bool max;             /* direction */
    ConfigList seeds;     /* of train.seed */
    ConfigEntries grid;   /* lists of values */
    int64_t count, seed;  /* of [random]: how many draws, and which */
    ConfigEntries random; /* "log A B", "linear A B", or lists of values */
    ConfigEntries asha, gate;
} SweepFile;

/* How a key of [random] is drawn. */
typedef struct {
    enum { DRAW_LIST, DRAW_LINEAR, DRAW_LOG } kind;
    double low, high;
} SweepDraw;

/* EXIT_USAGE naming file and line. Free with sweep_file_free(), after a success alone. */
Status sweep_file_load(const char *path, SweepFile *file) MUST_USE;
void sweep_file_free(SweepFile *file);

/* Reads an entry of [random]; false when it is neither list nor range. */
bool sweep_file_draw(const ConfigEntry *entry, SweepDraw *draw);

#endif
