/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "pack/pack_file.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

bool pack_is(const char *directory) {
    char *manifest = files_path("%s/pack.json", directory), *shards = files_path("%s/shards", directory);
    bool is = (manifest && files_exists(manifest)) || (shards && files_exists(shards));
    free(manifest);
    free(shards);
    return is;
}

/* Every file first: then the number of records is one that such files can hold. */
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
        status = pack_shard_tables(&pack->shards[i], &pack->info, &manifest->shards[i],
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

static Status open_all(const char *directory, Pack *pack, PackManifest *manifest) {
    TRY(pack_manifest_read(directory, manifest));
    pack->info = manifest->info;
    manifest->info = (PackInfo){0};
    pack->directory = strdup(directory);
    if (!pack->directory)
        return status_no_memory("a path", strlen(directory) + 1);
    TRY(open_shards(pack, manifest));
    TRY(read_rows(pack, manifest));
    TRY(hash_shards(pack, manifest));
    return pack_split_apply(pack);
}

Status pack_open(const char *directory, Pack *pack) {
    PackManifest manifest = {0};
    *pack = (Pack){0};
    Status status = open_all(directory, pack, &manifest);
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
