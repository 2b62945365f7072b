/* SPDX-License-Identifier: Apache-2.0 */
/* Reads records of packs, several threads at once, and verifies each against its checksum.
 *
 * Page cache: the shards' images are mapped, and a record's pages are brought in by MADV_POPULATE_READ before they are
 * touched, so that a bad disk is an error and no signal. Where the kernel has no such call, or the file system is a
 * network's, whose files may vanish under a mapping, records are read with pread(2). Direct: O_DIRECT reads of the
 * enclosing multiple of 4096 bytes, past the page cache, for packs larger than memory. */
#ifndef FOVEA_DATA_PACK_READER_H
#define FOVEA_DATA_PACK_READER_H

#include "data/loader.h"
#include "data/records.h"

typedef struct PackReader PackReader;

/* EXIT_IO when direct reads are asked for where the file system has none. */
Status pack_reader_open(const Records *records, LoaderCache cache, PackReader **reader) MUST_USE;
void pack_reader_close(PackReader *reader);

/* EXIT_DATA when the shard that holds the record is no longer what it was when the pack was opened. Each shard is
 * looked at once for each batch. */
Status pack_reader_unchanged(PackReader *reader, int64_t record, uint64_t batch) MUST_USE;

/* A record as it lies in memory. */
typedef struct {
    const uint8_t *pixels; /* [side][side][3] */
    int side;
    void *buffer; /* owns them, where they are no mapping's */
} PackView;

/* EXIT_DATA naming shard, record and source when it is damaged or cannot be read. */
Status pack_reader_view(PackReader *reader, int64_t record, PackView *view) MUST_USE;
void pack_view_close(PackView *view);
/* The same, copied to `out`. */
Status pack_reader_copy(PackReader *reader, int64_t record, uint8_t *out) MUST_USE;

/* Bytes of records read so far. */
uint64_t pack_reader_bytes(PackReader *reader);

#endif
