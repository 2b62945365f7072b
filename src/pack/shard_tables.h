/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a shard's side tables. */
#ifndef FOVEA_PACK_SHARD_TABLES_H
#define FOVEA_PACK_SHARD_TABLES_H

#include "pack/memory.h"
#include "pack/row.h"
#include "pack/shard.h"

/* Reads the tables of an open shard into entry->records rows, whose strings and labels are in `memory`. */
Status pack_shard_tables_read(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry, PackRow *rows,
                              PackMemory **memory) MUST_USE;

#endif
