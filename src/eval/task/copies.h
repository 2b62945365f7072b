/* SPDX-License-Identifier: Apache-2.0 */
/* Which records show the same photograph. */
#ifndef FOVEA_EVAL_COPIES_H
#define FOVEA_EVAL_COPIES_H

#include "data/records.h"

/* Records of packs. */
typedef struct {
    const Records *records;
    const int64_t *record; /* [count] */
    int64_t count;
} CopySet;

/* Writes to `copies`, for the records of all sets one after the other, their group from 0, or -1 where there is no
 * other of it: photographs with the same SHA-256, records with the same pixels, and those that look alike as ./stage
 * judges it, by perceptual hash and then by their pixels. Each record is compared with the nearest earlier one by hash,
 * and where that is something else with a few more. */
Status copies_find(const CopySet *sets, int set_count, int64_t *copies) MUST_USE;

#endif
