/* SPDX-License-Identifier: Apache-2.0 */
/* What decides a run's results, as one number: two runs of one identity differ at most by rounding. */
#ifndef FOVEA_TRAIN_IDENTITY_H
#define FOVEA_TRAIN_IDENTITY_H

#include "base/status.h"
#include "train/config.h"

#include <stdint.h>

/* Hashes of the images and their labels, which stand for the paths that the configuration has. 0: none are set. */
typedef struct {
    uint64_t train, val, probe_train, probe_val;
} IdentityData;

/* XXH3 of the keys that are not `neutral`, of the data and, where init.from is set, of that file's size and time:
 * reading it would take as long as starting the run. */
Status identity_hash(const Config *config, const IdentityData *data, uint64_t *identity) MUST_USE;

#endif
