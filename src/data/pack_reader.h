/* SPDX-License-Identifier: Apache-2.0 */
/* Reads records of packs, several threads at once, and verifies each against its checksum.
 *
 * Page cache: the shards' images are mapped, and MADV_POPULATE_READ reads a record's pages before they are touched, so
 * that a bad disk causes an error, not a signal. Without that call in the kernel, or on a network file system, whose
 * files may vanish under a mapping, records are read with pread(2). Direct: O_DIRECT reads of the enclosing multiple of
 * 4096 bytes, past the page cache, for packs larger than memory. */
#ifndef FOVEA_DATA_PACK_READER_H
#define FOVEA_DATA_PACK_READER_H

#include "data/loader_cache.h"
#include "data/records.h"

typedef struct PackReader PackReader;

/* EXIT_IO when direct reads are requested on a file system without them. */
Status pack_reader_open(const Records *records, LoaderCache cache, PackReader **reader) MUST_USE;
void pack_reader_close(PackReader *reader);

/* EXIT_DATA when the record's shard has changed since the pack was opened. Each shard is checked once for each batch.
 */
Status pack_reader_unchanged(PackReader *reader, int64_t record, uint64_t batch) MUST_USE;

/* A record in memory. */
typedef struct {
    const uint8_t *pixels; /* [side][side][3] */
    int side;
    void *buffer; /* owns the pixels, unless they are mapped */
} PackView;

/* EXIT_DATA naming shard, record and source when it is damaged or cannot be read. */
Status pack_reader_view(PackReader *reader, int64_t record, PackView *view) MUST_USE;
void pack_view_close(PackView *view);
/* The same, copied to `out`. */
Status pack_reader_copy(PackReader *reader, int64_t record, uint8_t *out) MUST_USE;

/* Bytes of records read so far. */
uint64_t pack_reader_bytes(PackReader *reader);

#endif
