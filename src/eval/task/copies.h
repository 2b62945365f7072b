/* SPDX-License-Identifier: Apache-2.0 */
/* Which records show the same photograph. */
#ifndef FOVEA_EVAL_COPIES_H
#define FOVEA_EVAL_COPIES_H

#include "data/records.h"

/* Writes to copies[count], for the records record[count] of packs, their group from 0, or -1 where there is no other of
 * it: photographs with the same SHA-256, records with the same pixels, and those that look alike as ./stage judges it,
 * by perceptual hash and then by their pixels. Of each record only the nearest earlier one by hash is compared. */
Status copies_find(const Records *records, const int64_t *record, int64_t count, int64_t *copies) MUST_USE;

#endif
