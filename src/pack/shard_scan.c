/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/files.h"
#include "pack/pack_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

enum { PIECE = 1 << 20 };

static Status write_at(int descriptor, const void *data, size_t size, uint64_t offset) {
    if (lseek(descriptor, (off_t)offset, SEEK_SET) < 0)
        return files_failure("write", "a file in memory", errno);
    return files_write_all(descriptor, "a file in memory", data, size);
}

/* One way through a shard; what is not wanted is NULL, or negative. */
typedef struct {
    const PackSpan *span;
    XXH3_state_t *outside;
    DigestStream *digest;
    int copy;
    size_t room; /* of the buffer */
    uint8_t *buffer;
} Scan;

/* `from` to `to`, bytes of the file, outside the records. */
static Status scan_outside(const Scan *scan, uint64_t from, uint64_t to) {
    while (from < to) {
        size_t size = to - from < scan->room ? (size_t)(to - from) : scan->room;
        TRY(files_read_at(scan->span->descriptor, scan->span->path, scan->buffer, size, from));
        XXH3_64bits_update(scan->outside, scan->buffer, size);
        if (scan->digest)
            TRY(digest_add(scan->digest, scan->buffer, size));
        if (scan->copy >= 0)
            TRY(write_at(scan->copy, scan->buffer, size, from));
        from += size;
    }
    return NULL;
}

static Status scan_records(const Scan *scan, PackRecordSeen seen, void *context) {
    size_t size = (size_t)scan->span->record_bytes;
    for (uint64_t i = 0; i < scan->span->records; i++) {
        TRY(files_read_at(scan->span->descriptor, scan->span->path, scan->buffer, size, scan->span->offset + i * size));
        TRY(digest_add(scan->digest, scan->buffer, size));
        if (seen)
            seen(context, i, scan->buffer);
    }
    return NULL;
}

static Status scan_open(Scan *scan, const PackSpan *span) {
    *scan = (Scan){.span = span, .copy = -1, .outside = XXH3_createState()};
    scan->room = span->record_bytes > PIECE ? (size_t)span->record_bytes : PIECE;
    scan->buffer = malloc(scan->room);
    if (!scan->outside || !scan->buffer)
        return status_no_memory("reading a shard", scan->room);
    XXH3_64bits_reset(scan->outside);
    return NULL;
}

static void scan_close(Scan *scan) {
    XXH3_freeState(scan->outside);
    free(scan->buffer);
}

Status pack_shard_outside(const PackSpan *span, int copy, uint64_t *hash) {
    Scan scan;
    Status status = scan_open(&scan, span);
    scan.copy = copy;
    if (!status)
        status = scan_outside(&scan, 0, span->offset);
    if (!status)
        status = scan_outside(&scan, span->offset + span->records * span->record_bytes, span->bytes);
    if (!status)
        *hash = XXH3_64bits_digest(scan.outside);
    scan_close(&scan);
    return status;
}

Status pack_shard_scan(const PackSpan *span, PackRecordSeen seen, void *context, uint64_t *hash, char sha256[65]) {
    Scan scan;
    DigestStream stream = {0};
    Digest digest;
    Status status = scan_open(&scan, span);
    if (!status)
        status = digest_start(&stream, false);
    scan.digest = &stream;
    if (!status)
        status = scan_outside(&scan, 0, span->offset);
    if (!status)
        status = scan_records(&scan, seen, context);
    if (!status)
        status = scan_outside(&scan, span->offset + span->records * span->record_bytes, span->bytes);
    if (!status)
        status = digest_end(&stream, &digest);
    if (!status) {
        *hash = XXH3_64bits_digest(scan.outside);
        digest_to_hex(digest.sha256, DIGEST_SHA256, sha256);
    }
    digest_close(&stream);
    scan_close(&scan);
    return status;
}
