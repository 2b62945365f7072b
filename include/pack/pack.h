/* SPDX-License-Identifier: Apache-2.0 */
/* A pack: photographs of one size, decoded, cropped and resized once, in HDF5 shards within one folder, with what is
 * known of each. Written by stage, read by the loader; any HDF5 tool opens the shards.
 *
 *   PACK/pack.json            what the pack is and which shards it has; written last: a folder without it is unfinished
 *   PACK/shards/NNNNN.h5      the shards
 *   PACK/split.tsv            only when `stage split` made another split: "person<TAB>split" lines that stand above the
 *                             shards' own split
 *
 * A shard has one dataset `images` uint8 [N][S][S][3], contiguous, unfiltered, early-allocated and 4096-aligned, so
 * that record i lies at H5Dget_offset() + i * S * S * 3, and side tables of N rows, one for each field of PackRow:
 *
 *   checksum uint64, source, person, device, modality, eye ("R", "L", ""), split ("train", "val", "test", "") as
 *   fixed-length NUL-padded UTF-8 strings, sha256 uint8 [N][32], circle float32 [N][4] (centre x, y and radius in
 * pixels of the source, confidence), crop int32 [N][4] (top, left, height, width of the source), size int32 [N][2]
 * (height, width of the source), flags uint32, phash uint64, labels/NAME float32 (NaN: not known)
 *
 * and root attributes: format "fovea-pack", version, dataset, dataset_version, licensed. Object times are off: equal
 * input gives equal bytes. */
#ifndef FOVEA_PACK_H
#define FOVEA_PACK_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PACK_VERSION = 1 };

typedef enum { PACK_SPLIT_NONE, PACK_SPLIT_TRAIN, PACK_SPLIT_VAL, PACK_SPLIT_TEST, PACK_SPLITS } PackSplit;
typedef enum { PACK_EYE_UNKNOWN, PACK_EYE_RIGHT, PACK_EYE_LEFT } PackEye;

enum {
    PACK_FULL_FRAME = 1, /* no circle was looked for: a mosaic, or a square infrared or autofluorescence frame */
    PACK_NO_CIRCLE = 2   /* none was found with confidence: the full frame was kept */
};

/* What is known of one record. Strings are UTF-8 and never NULL; `source` has the bytes of the file's name, whatever
 * they are. */
typedef struct {
    const char *source; /* path of the file it was made from, relative to the data set's root */
    const char *person, *device, *modality;
    PackEye eye;
    PackSplit split;
    uint8_t sha256[32]; /* of the source file */
    uint64_t checksum;  /* XXH3_64bits of the record's bytes */
    uint64_t phash;     /* see stage/phash.h */
    float circle[4];    /* centre x, y, radius (pixels of the source), confidence 0 .. 1 */
    int32_t crop[4];    /* top, left, height, width in the source; may reach beyond it, where it is black */
    int32_t size[2];    /* height, width of the source */
    uint32_t flags;
    const float *labels; /* [label_count], NaN: not known */
} PackRow;

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
    uint64_t tables; /* XXH3_64bits of all bytes of the file outside the records: HDF5 is let at no others */
    char sha256[65]; /* of the whole file, hexadecimal */
} PackShardEntry;

/* Writes one shard at `path` and fsyncs it; the caller renames it into place. The records' pixels come from the file
 * `pixels`, one behind the other, count * image_size^2 * 3 bytes. Deterministic. Fills all of `entry` but its file.
 * EXIT_IO (disk full says so); EXIT_DATA for a label whose name HDF5 cannot take. Not for several threads at once:
 * HDF5. */
Status pack_shard_write(const char *path, const PackInfo *info, const PackRow *rows, int64_t count,
                        int pixels /*descriptor*/, PackShardEntry *entry) MUST_USE;

/* pack.json. `about` and the list are the caller's. files_write(): it appears whole or not at all. */
Status pack_manifest_write(const char *directory, const PackInfo *info, const PackShardEntry *shards,
                           int shard_count) MUST_USE;

typedef struct {
    char *path;
    int descriptor;  /* open for reading */
    uint64_t offset; /* of record 0 in the file */
    int64_t first;   /* number of its first record in the pack */
    int64_t records;
    /* As it was when it was opened: pack_shard_unchanged(). */
    uint64_t device, inode, bytes;
    int64_t modified[2];
} PackShard;

typedef struct {
    char *directory;
    PackInfo info;
    PackShard *shards;
    int shard_count;
    int64_t count;
    PackRow *rows;       /* [count] */
    uint64_t hash;       /* of all shards' names and SHA-256: which images these are, in which order */
    uint64_t split_hash; /* of the sorted lines "dataset person split" of all people; where none is known, of
                          * each split that occurs */
    void *memory;        /* owns the strings */
} Pack;

/* Opens pack.json and every shard's tables. Not for several threads at once. EXIT_DATA naming file and reason: no pack,
 * unfinished, a newer version, a shard missing, of another length than pack.json says, cut short, of another format, or
 * tables that contradict each other. The records' bytes are not read. */
Status pack_open(const char *directory, Pack *pack) MUST_USE;
void pack_close(Pack *pack);
/* Whether `directory` holds a pack, finished or not (pack.json or shards/). */
bool pack_is(const char *directory);

/* EXIT_DATA "changed since the run began" when the shard's file is no longer what pack_open() opened. */
Status pack_shard_unchanged(const PackShard *shard) MUST_USE;
/* The shard that holds `record`, and its place in the file. */
const PackShard *pack_find(const Pack *pack, int64_t record, uint64_t *offset);
/* Reads one record, image_size^2 * 3 bytes, and verifies its checksum. EXIT_DATA naming shard, record and source when
 * it is damaged; EXIT_IO when it cannot be read. Any thread. */
Status pack_read(const Pack *pack, int64_t record, uint8_t *pixels) MUST_USE;

/* Reads every record against its checksum and every shard against its SHA-256, `threads` shards at a time (0: one for
 * each core). A line on `out` for each damage, and one with the sum. EXIT_DATA when there was any, or no pack. */
Status pack_verify(const char *directory, int threads, FILE *out) MUST_USE;

const char *pack_split_name(PackSplit split); /* "train", ...; "" for none */
Status pack_split_parse(const char *text, PackSplit *split) MUST_USE;
const char *pack_eye_name(PackEye eye); /* "R", "L", "" */

#endif
