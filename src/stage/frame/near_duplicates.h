/* SPDX-License-Identifier: Apache-2.0 */
/* Near-duplicates by perceptual hash. */
#ifndef FOVEA_STAGE_NEAR_DUPLICATES_H
#define FOVEA_STAGE_NEAR_DUPLICATES_H

#include "base/status.h"

#include <stdint.h>

/* Writes to nearest[count], for each hash, the index of the nearest earlier one within max_bits bits (the first of
 * several), or -1. Two hashes within max_bits bits are equal in at least one of max_bits + 1 or more groups of bits, so
 * only hashes that share a group are compared. */
Status near_duplicates_find(const uint64_t *hashes, int64_t count, int max_bits, int64_t *nearest) MUST_USE;

#endif
