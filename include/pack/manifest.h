/* SPDX-License-Identifier: Apache-2.0 */
/* pack.json: what a pack is, and its shards. */
#ifndef FOVEA_PACK_MANIFEST_H
#define FOVEA_PACK_MANIFEST_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define PACK_FORMAT "fovea-pack"
enum { PACK_VERSION = 1 };

/* What all shards of a pack share. */
typedef struct {
    char *dataset, *dataset_version;
    bool licensed; /* nothing derived may be passed on: no images of it are drawn unless asked for */
    int image_size;
    char **label_names; /* [label_count] */
    int label_count;
} PackInfo;

/* A shard as pack.json lists it. */
typedef struct {
    char *file; /* name below shards/ */
    int64_t records;
    uint64_t bytes;  /* of the whole file */
    uint64_t offset; /* of record 0 in the file */
    uint64_t tables; /* XXH3_64bits of all bytes of the file outside the records, verified before HDF5 parses them */
    char sha256[65]; /* of the whole file, hexadecimal */
} PackShardEntry;

typedef struct {
    PackInfo info;
    PackShardEntry *shards;
    int shard_count;
    int64_t records; /* of all shards */
} PackManifest;

/* Writes DIRECTORY/pack.json, atomically. `info` and the list stay the caller's. */
Status pack_manifest_write(const char *directory, const PackInfo *info, const PackShardEntry *shards,
                           int shard_count) MUST_USE;
/* EXIT_DATA naming file and key: no pack, an unfinished one, a newer version, or a damaged pack.json. */
Status pack_manifest_read(const char *directory, PackManifest *manifest) MUST_USE;
void pack_manifest_close(PackManifest *manifest);
void pack_info_close(PackInfo *info);

/* Bytes of one record: image_size^2 * 3. */
uint64_t pack_record_bytes(const PackInfo *info);
/* Whether `directory` holds a pack, finished or not (pack.json or shards/). */
bool pack_is(const char *directory);

#endif
