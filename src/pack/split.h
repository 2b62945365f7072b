/* SPDX-License-Identifier: Apache-2.0 */
/* The split of a pack's people: the shards' own, overridden by split.tsv. */
#ifndef FOVEA_PACK_SPLIT_H
#define FOVEA_PACK_SPLIT_H

#include "pack/row.h"

/* Overrides the rows' splits by DIRECTORY/split.tsv, if it exists, checks that each person has one split, and computes
 * Pack.split_hash. EXIT_DATA naming file and line, or the person. */
Status pack_split_apply(const char *directory, const char *dataset, PackRow *rows, int64_t count,
                        uint64_t *split_hash) MUST_USE;

#endif
