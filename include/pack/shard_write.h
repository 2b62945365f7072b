/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one shard. */
#ifndef FOVEA_PACK_SHARD_WRITE_H
#define FOVEA_PACK_SHARD_WRITE_H

#include "pack/manifest.h"
#include "pack/row.h"

/* Writes one shard at `path` and fsyncs it; the caller renames it into place. The records' pixels come from the file
 * `pixels`, record after record, count * image_size^2 * 3 bytes. Equal input gives equal bytes. Fills all of `entry`
 * but its file name. EXIT_IO (a full disk says so); EXIT_DATA for a label whose name HDF5 cannot store. HDF5 allows one
 * thread at a time. */
Status pack_shard_write(const char *path, const PackInfo *info, const PackRow *rows, int64_t count,
                        int pixels /*descriptor*/, PackShardEntry *entry) MUST_USE;

#endif
