/* SPDX-License-Identifier: Apache-2.0 */
/* Near-duplicates by perceptual hash. */
#ifndef FOVEA_PACK_NEAR_DUPLICATES_H
#define FOVEA_PACK_NEAR_DUPLICATES_H

#include "base/status.h"

#include <stdint.h>

/* Writes to nearest[count], for each hash, the index of the nearest earlier one within max_bits bits (0 to 63; the
 * first of several), or -1. Compares a hash to those alone that share a group of bits with it, but for one bit: of a
 * million hashes drawn at random, some thousands. Needs 16 bytes a hash for each of max(4, max_bits / 2 + 1) groups,
 * and once more. */
Status near_duplicates_find(const uint64_t *hashes, int64_t count, int max_bits, int64_t *nearest) MUST_USE;

#endif
