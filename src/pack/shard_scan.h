/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a shard's bytes without HDF5, for checksums. */
#ifndef FOVEA_PACK_SHARD_SCAN_H
#define FOVEA_PACK_SHARD_SCAN_H

#include "base/status.h"

#include <stdint.h>

/* An open shard, and where its records are. */
typedef struct {
    int descriptor;
    const char *path;
    uint64_t offset, records, record_bytes, bytes;
} PackShardFile;

/* XXH3 of all bytes outside the records, which are also written to the file `copy`, at the same offsets. */
Status pack_shard_scan_tables(const PackShardFile *file, int copy, uint64_t *hash) MUST_USE;
/* SHA-256 of the file and the same XXH3. Calls `visit` for each record, unless it is NULL. */
typedef void (*PackRecordVisitor)(void *context, uint64_t record, const uint8_t *bytes);
Status pack_shard_scan(const PackShardFile *file, PackRecordVisitor visit, void *context, uint64_t *hash,
                       char sha256[65]) MUST_USE;

#endif
