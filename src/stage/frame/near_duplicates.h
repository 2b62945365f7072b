/* SPDX-License-Identifier: Apache-2.0 */
/* Records that look alike, by their perceptual hashes. */
#ifndef FOVEA_STAGE_NEAR_DUPLICATES_H
#define FOVEA_STAGE_NEAR_DUPLICATES_H

#include "base/status.h"

#include <stdint.h>

/* For each of `count` hashes the nearest one before it within `most` bits, the first of several, into `nearest`
 * [count]: its number, or -1. Two hashes within `most` bits are equal in at least one of most + 1 groups of bits, or of
 * more, so only those that share a group are compared. */
Status near_find(const uint64_t *hashes, int64_t count, int most, int64_t *nearest) MUST_USE;

#endif
