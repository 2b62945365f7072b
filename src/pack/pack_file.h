/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the pack share: columns, the memory of rows, HDF5 at arm's length, pack.json. */
#ifndef FOVEA_PACK_PACK_FILE_H
#define FOVEA_PACK_PACK_FILE_H

#include "pack/pack.h"

#include <stddef.h>

#include <hdf5.h>

#define PACK_FORMAT "fovea-pack"

/* --- Columns (pack_columns.c) --- */

typedef enum { CELL_U8, CELL_U32, CELL_U64, CELL_I32, CELL_F32, CELL_TEXT, CELL_EYE, CELL_SPLIT } CellKind;

/* One side table, but for the labels. */
typedef struct {
    const char *name;
    CellKind kind;
    int width;     /* numbers in a cell; 1: the table has one dimension */
    size_t offset; /* in PackRow */
} PackColumn;

extern const PackColumn pack_columns[];
extern const int pack_column_count;

bool pack_column_is_text(const PackColumn *column);
/* The text of a row in a column of texts. */
const char *pack_column_text(const PackColumn *column, const PackRow *row);
size_t pack_cell_size(CellKind kind); /* bytes of a number in memory */
hid_t pack_cell_stored(CellKind kind);
hid_t pack_cell_native(CellKind kind);

/* image_size^2 * 3. */
uint64_t pack_record_bytes(const PackInfo *info);

/* --- HDF5 (pack_hdf5.c). It only ever sees files in memory, so that it meets no full disk, of which it does not
 * recover, and no damage, which can crash it: the bytes are written and verified outside of it. --- */

/* An empty file in memory. */
Status pack_hdf5_memory(int *descriptor) MUST_USE;
/* HDF5 over such a file, closed with H5Fclose(). Negative when it fails. A piece of `align_from` bytes or more begins
 * at a multiple of 4096. */
hid_t pack_hdf5_create(int descriptor, uint64_t align_from);
hid_t pack_hdf5_open(int descriptor);
/* Releases any identifier; a negative one is fine. */
void pack_hdf5_release(hid_t id);
/* Keeps what HDF5 says of its last failure, and keeps it from printing that, between listen and end. */
typedef struct {
    char reason[256];
    H5E_auto2_t function; /* that was in force before */
    void *data;
} PackWords;
void pack_hdf5_listen(PackWords *words);
void pack_hdf5_end(const PackWords *words);
/* "PATH: ACTION failed: what HDF5 says". */
Status pack_hdf5_failure(ExitCode code, const char *path, const char *action, const PackWords *words) MUST_USE;
/* UTF-8 of `size` bytes, padded with or ended by NUL. */
hid_t pack_hdf5_text(size_t size, H5T_str_t padding);

/* --- Rows --- */

/* Blocks that live as long as the pack. */
typedef struct PackMemory PackMemory;

/* `count` cells of `size` bytes, zeroed; NULL without memory. */
void *pack_memory_take(PackMemory **memory, size_t count, size_t size);
void pack_memory_close(PackMemory *memory);

/* Opens a shard's file and compares its length and place of records to the entry's (pack_shard_open.c). */
Status pack_shard_open(const char *directory, const PackInfo *info, const PackShardEntry *entry,
                       PackShard *shard) MUST_USE;
void pack_shard_close(PackShard *shard);
/* Reads the tables of an open shard into entry->records rows, whose texts and labels lie in `memory`. */
Status pack_shard_tables(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry, PackRow *rows,
                         PackMemory **memory) MUST_USE;
/* --- Reading a shard's bytes (pack_shard_scan.c) --- */

/* Where a shard's bytes are, for those who read them all. */
typedef struct {
    int descriptor;
    const char *path;
    uint64_t offset, records, record_bytes, bytes;
} PackSpan;

/* XXH3 of all bytes outside the records, which are also written to the file `copy`, at their places. */
Status pack_shard_outside(const PackSpan *span, int copy, uint64_t *hash) MUST_USE;
/* SHA-256 of the file and the same XXH3. Each record is shown to `seen`, unless that is NULL. */
typedef void (*PackRecordSeen)(void *context, uint64_t record, const uint8_t *bytes);
Status pack_shard_scan(const PackSpan *span, PackRecordSeen seen, void *context, uint64_t *hash,
                       char sha256[65]) MUST_USE;

/* Puts split.tsv, if there is one, over the rows' splits, and computes pack->split_hash. */
Status pack_split_apply(Pack *pack) MUST_USE;

/* --- pack.json (pack_manifest.c) --- */

typedef struct {
    PackInfo info;
    PackShardEntry *shards;
    int shard_count;
    int64_t records; /* of all shards */
} PackManifest;

Status pack_manifest_read(const char *directory, PackManifest *manifest) MUST_USE;
void pack_manifest_close(PackManifest *manifest);
void pack_info_close(PackInfo *info);

#endif
