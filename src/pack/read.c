/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "pack/pack_file.h"

#include <assert.h>

#include <xxhash.h>

const PackShard *pack_find(const Pack *pack, int64_t record, uint64_t *offset) {
    assert(record >= 0 && record < pack->count);
    int low = 0, high = pack->shard_count - 1;
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        if (pack->shards[middle].first <= record)
            low = middle;
        else
            high = middle - 1;
    }
    const PackShard *shard = &pack->shards[low];
    *offset = shard->offset + (uint64_t)(record - shard->first) * pack_record_bytes(&pack->info);
    return shard;
}

Status pack_read(const Pack *pack, int64_t record, uint8_t *pixels) {
    uint64_t offset;
    const PackShard *shard = pack_find(pack, record, &offset);
    size_t bytes = (size_t)pack_record_bytes(&pack->info);
    TRY(files_read_at(shard->descriptor, shard->path, pixels, bytes, offset));
    if (XXH3_64bits(pixels, bytes) != pack->rows[record].checksum)
        return status_error(EXIT_DATA,
                            "%s: record %lld (%s) is damaged: its checksum is wrong; restore the shard from a copy, or "
                            "stage again",
                            shard->path, (long long)(record - shard->first), pack->rows[record].source);
    return NULL;
}
