/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says at its end when its device failed. */
#ifndef FOVEA_TRAIN_DEVICE_LOST_H
#define FOVEA_TRAIN_DEVICE_LOST_H

#include "base/status.h"

/* How a run ended. A device that was lost takes with it what was learnt since the newest checkpoint in `checkpoints`:
 * the same failure, naming that one and how the run in `path` goes on. */
Status device_lost(Status ending, const char *path, const char *checkpoints) MUST_USE;

#endif
