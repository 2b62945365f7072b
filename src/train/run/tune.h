/* SPDX-License-Identifier: Apache-2.0 */
/* RUN/tune.json: the algorithms that the device timed as the fastest. A resumed run uses the same ones and continues
 * bit for bit. */
#ifndef FOVEA_TRAIN_TUNE_H
#define FOVEA_TRAIN_TUNE_H

#include "device/device.h"
#include "train/config.h"
#include "train/monitor/monitor.h"

typedef struct {
    const Device *device; /* NULL: nothing is timed */
    char *path;
    size_t kept, refused; /* choices in the file, and those that replaced one the device refused */
} Tune;

/* Sets how the device chooses, before its first operation. A resumed run imports the choices in `directory`; a file
 * that is damaged or from another GPU, driver or library is reported on standard output. Does nothing, now and later,
 * with train.deterministic and on devices without choices. */
Status tune_open(Tune *tune, const Config *config, const Device *device, const char *directory, bool resume) MUST_USE;
/* Writes the file when there are new choices, and notes imported ones that could not be used. */
Status tune_keep(Tune *tune, Monitor *monitor) MUST_USE;
void tune_close(Tune *tune);

#endif
