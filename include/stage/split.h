/* SPDX-License-Identifier: Apache-2.0 */
/* Re-splits a pack by person: ./stage split. */
#ifndef FOVEA_STAGE_SPLIT_H
#define FOVEA_STAGE_SPLIT_H

#include "base/status.h"

#include <stdint.h>

/* Writes PACK/split.tsv: random shares of the people, keyed by the seed. val and test 0: prints the current split. */
Status stage_split(const char *pack, double val, double test, uint64_t seed) MUST_USE;

#endif
