/* SPDX-License-Identifier: Apache-2.0 */
/* A pack, opened for reading: photographs of one size, decoded, cropped and resized once, in HDF5 shards within one
 * folder. ./stage writes it; docs/pack-format.md describes the files. */
#ifndef FOVEA_PACK_PACK_H
#define FOVEA_PACK_PACK_H

#include "pack/manifest.h"
#include "pack/row.h"
#include "pack/shard.h"

typedef struct {
    char *directory;
    PackInfo info;
    PackShard *shards;
    int shard_count;
    int64_t count;
    PackRow *rows;       /* [count] */
    uint64_t hash;       /* of all shards' names and SHA-256: identifies the images and their order */
    uint64_t split_hash; /* of the sorted lines "dataset person split" of all people; an unknown person counts once for
                          * each split */
    void *memory;        /* owns the strings */
} Pack;

/* Opens pack.json and every shard's tables. HDF5 allows one thread at a time. EXIT_DATA naming file and reason: no
 * pack, unfinished, a newer version, a shard missing, of another length than pack.json says, cut short, of another
 * format, or tables that contradict each other. The records' bytes are not read. */
Status pack_open(const char *directory, Pack *pack) MUST_USE;
void pack_close(Pack *pack);

/* The shard that contains `record`, and the record's offset in the file. */
const PackShard *pack_find(const Pack *pack, int64_t record, uint64_t *offset);
/* Reads one record, image_size^2 * 3 bytes, and verifies its checksum. EXIT_DATA naming shard, record and source when
 * it is damaged; EXIT_IO when it cannot be read. Any thread. */
Status pack_read(const Pack *pack, int64_t record, uint8_t *pixels) MUST_USE;

#endif
