/* SPDX-License-Identifier: Apache-2.0 */
/* RUN/tune.json: the ways to compute that the device found the fastest, so that a resumed run takes the same and goes
 * on to the bit. */
#ifndef FOVEA_TRAIN_TUNE_H
#define FOVEA_TRAIN_TUNE_H

#include "device/device.h"
#include "train/config.h"
#include "train/monitor/monitor.h"

typedef struct {
    const Device *device; /* NULL: nothing is timed */
    char *path;
    size_t kept, refused; /* choices in the file, and those that took another's place */
} Tune;

/* Says how the device chooses, before its first operation. A run that goes on (`resume`) takes the choices in
 * `directory`; one line on standard output when there is a file that cannot serve: from another GPU, driver or library,
 * or damaged. Without anything to choose, or with train.deterministic, nothing is done now and later. */
Status tune_open(Tune *tune, const Config *config, const Device *device, const char *directory, bool resume) MUST_USE;
/* Writes the file when there are new choices; notes when some of those taken over could not be used. */
Status tune_keep(Tune *tune, Monitor *monitor) MUST_USE;
void tune_close(Tune *tune);

#endif
