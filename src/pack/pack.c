/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/pack.h"

#include "base/files.h"
#include "pack/memory.h"
#include "pack/shard_tables.h"
#include "pack/split.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

/* All files are opened before memory is allocated for rows: their lengths bound the number of records. */
static Status open_shards(Pack *pack, const PackManifest *manifest) {
    pack->shards = calloc((size_t)manifest->shard_count, sizeof *pack->shards);
    if (!pack->shards)
        return status_no_memory("the pack's shards", (unsigned long long)manifest->shard_count * sizeof *pack->shards);
    for (int i = 0; i < manifest->shard_count; i++) {
        pack->shard_count++;
        TRY(pack_shard_open(pack->directory, &pack->info, &manifest->shards[i], &pack->shards[i]));
        pack->shards[i].first = pack->count;
        pack->count += manifest->shards[i].records;
    }
    return NULL;
}

static Status read_rows(Pack *pack, const PackManifest *manifest) {
    pack->rows = calloc((size_t)pack->count, sizeof *pack->rows);
    if (!pack->rows)
        return status_no_memory("the pack's rows", (unsigned long long)pack->count * sizeof *pack->rows);
    PackMemory *memory = NULL;
    Status status = NULL;
    for (int i = 0; i < pack->shard_count && !status; i++)
        status = pack_shard_tables_read(&pack->shards[i], &pack->info, &manifest->shards[i],
                                        pack->rows + pack->shards[i].first, &memory);
    pack->memory = memory;
    return status;
}

static Status hash_shards(Pack *pack, const PackManifest *manifest) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int i = 0; i < manifest->shard_count; i++) {
        XXH3_64bits_update(state, manifest->shards[i].file, strlen(manifest->shards[i].file) + 1);
        XXH3_64bits_update(state, manifest->shards[i].sha256, sizeof manifest->shards[i].sha256);
    }
    pack->hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

static Status open_pack(const char *directory, Pack *pack, PackManifest *manifest) {
    TRY(pack_manifest_read(directory, manifest));
    pack->info = manifest->info;
    manifest->info = (PackInfo){0};
    TRY(files_path(&pack->directory, "%s", directory));
    TRY(open_shards(pack, manifest));
    TRY(read_rows(pack, manifest));
    TRY(hash_shards(pack, manifest));
    return pack_split_apply(directory, pack->info.dataset, pack->rows, pack->count, &pack->split_hash);
}

Status pack_open(const char *directory, Pack *pack) {
    PackManifest manifest = {0};
    *pack = (Pack){0};
    Status status = open_pack(directory, pack, &manifest);
    pack_manifest_close(&manifest);
    if (status)
        pack_close(pack);
    return status;
}

void pack_close(Pack *pack) {
    for (int i = 0; i < pack->shard_count; i++)
        pack_shard_close(&pack->shards[i]);
    free(pack->shards);
    free(pack->rows);
    free(pack->directory);
    pack_memory_close(pack->memory);
    pack_info_close(&pack->info);
    *pack = (Pack){0};
}

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
                            "%s: record %lld (%s) is damaged: wrong checksum; restore the shard from a copy, or stage "
                            "again",
                            shard->path, (long long)(record - shard->first), pack->rows[record].source);
    return NULL;
}
