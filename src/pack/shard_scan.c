/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/shard_scan.h"

#include "base/digest.h"
#include "base/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

enum { MIN_BUFFER = 1 << 20 };

static Status write_copy(int descriptor, const void *data, size_t size, uint64_t offset) {
    if (lseek(descriptor, (off_t)offset, SEEK_SET) < 0)
        return files_failure("write", "a file in memory", errno);
    return files_write_all(descriptor, "a file in memory", data, size);
}

/* One pass over a shard; results that are not asked for are NULL, or negative. */
typedef struct {
    const PackShardFile *file;
    XXH3_state_t *tables;
    DigestStream *digest;
    int copy;
    size_t buffer_bytes;
    uint8_t *buffer;
} ShardScan;

/* Bytes `from` to `to` of the file, which are outside the records. */
static Status scan_table_bytes(const ShardScan *scan, uint64_t from, uint64_t to) {
    while (from < to) {
        size_t size = to - from < scan->buffer_bytes ? (size_t)(to - from) : scan->buffer_bytes;
        TRY(files_read_at(scan->file->descriptor, scan->file->path, scan->buffer, size, from));
        XXH3_64bits_update(scan->tables, scan->buffer, size);
        if (scan->digest)
            TRY(digest_add(scan->digest, scan->buffer, size));
        if (scan->copy >= 0)
            TRY(write_copy(scan->copy, scan->buffer, size, from));
        from += size;
    }
    return NULL;
}

static Status scan_records(const ShardScan *scan, PackRecordVisitor visit, void *context) {
    size_t size = (size_t)scan->file->record_bytes;
    for (uint64_t i = 0; i < scan->file->records; i++) {
        TRY(files_read_at(scan->file->descriptor, scan->file->path, scan->buffer, size, scan->file->offset + i * size));
        TRY(digest_add(scan->digest, scan->buffer, size));
        if (visit)
            visit(context, i, scan->buffer);
    }
    return NULL;
}

static Status open_scan(ShardScan *scan, const PackShardFile *file) {
    *scan = (ShardScan){.file = file, .copy = -1, .tables = XXH3_createState()};
    scan->buffer_bytes = file->record_bytes > MIN_BUFFER ? (size_t)file->record_bytes : MIN_BUFFER;
    scan->buffer = malloc(scan->buffer_bytes);
    if (!scan->tables || !scan->buffer)
        return status_no_memory("reading a shard", scan->buffer_bytes);
    XXH3_64bits_reset(scan->tables);
    return NULL;
}

static void close_scan(ShardScan *scan) {
    XXH3_freeState(scan->tables);
    free(scan->buffer);
}

Status pack_shard_scan_tables(const PackShardFile *file, int copy, uint64_t *hash) {
    ShardScan scan;
    Status status = open_scan(&scan, file);
    scan.copy = copy;
    if (!status)
        status = scan_table_bytes(&scan, 0, file->offset);
    if (!status)
        status = scan_table_bytes(&scan, file->offset + file->records * file->record_bytes, file->bytes);
    if (!status)
        *hash = XXH3_64bits_digest(scan.tables);
    close_scan(&scan);
    return status;
}

Status pack_shard_scan(const PackShardFile *file, PackRecordVisitor visit, void *context, uint64_t *hash,
                       char sha256[65]) {
    ShardScan scan;
    DigestStream stream = {0};
    Digest digest;
    Status status = open_scan(&scan, file);
    if (!status)
        status = digest_start(&stream, false);
    scan.digest = &stream;
    if (!status)
        status = scan_table_bytes(&scan, 0, file->offset);
    if (!status)
        status = scan_records(&scan, visit, context);
    if (!status)
        status = scan_table_bytes(&scan, file->offset + file->records * file->record_bytes, file->bytes);
    if (!status)
        status = digest_end(&stream, &digest);
    if (!status) {
        *hash = XXH3_64bits_digest(scan.tables);
        digest_to_hex(digest.sha256, DIGEST_SHA256, sha256);
    }
    digest_close(&stream);
    close_scan(&scan);
    return status;
}
