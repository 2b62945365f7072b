/* SPDX-License-Identifier: Apache-2.0 */
/* A shard's file, opened for reading. */
#ifndef FOVEA_PACK_SHARD_H
#define FOVEA_PACK_SHARD_H

#include "pack/manifest.h"

typedef struct {
    char *path;
    int descriptor;  /* open for reading */
    uint64_t offset; /* of record 0 in the file */
    int64_t first;   /* number of its first record in the pack */
    int64_t records;
    /* The file's identity when it was opened, for pack_shard_unchanged(). */
    uint64_t device, inode, bytes;
    int64_t modified[2];
} PackShard;

/* Opens the file and compares its length to the entry's. EXIT_DATA naming it when it is missing or of another length.
 * The shard is closed by pack_shard_close() also after a failure. */
Status pack_shard_open(const char *directory, const PackInfo *info, const PackShardEntry *entry,
                       PackShard *shard) MUST_USE;
void pack_shard_close(PackShard *shard);

/* EXIT_DATA "changed since the run began" when the path no longer names the file that was opened, as it was then. */
Status pack_shard_unchanged(const PackShard *shard) MUST_USE;

#endif
