/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/verify.h"

#include "base/threads.h"
#include "pack/memory.h"
#include "pack/pack.h"
#include "pack/shard_scan.h"
#include "pack/shard_tables.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

/* The check of one shard. */
typedef struct {
    PackShard shard;
    PackRow *rows;
    PackMemory *memory;
    Status failed;    /* why its records could not be read */
    uint8_t *damaged; /* [records] */
    size_t record_bytes;
    bool wrong_sum; /* its SHA-256 is not pack.json's */
} ShardCheck;

/* Reads its tables: in one thread, as HDF5 requires. */
static void open_shard(const char *directory, const PackManifest *manifest, int number, ShardCheck *check) {
    const PackShardEntry *entry = &manifest->shards[number];
    check->record_bytes = (size_t)pack_record_bytes(&manifest->info);
    check->failed = pack_shard_open(directory, &manifest->info, entry, &check->shard);
    if (check->failed)
        return;
    check->rows = calloc((size_t)entry->records, sizeof *check->rows);
    check->damaged = calloc((size_t)entry->records, 1);
    if (!check->rows || !check->damaged)
        check->failed = status_no_memory("the pack's rows", (unsigned long long)entry->records * sizeof(PackRow));
    else
        check->failed = pack_shard_tables_read(&check->shard, &manifest->info, entry, check->rows, &check->memory);
}

static void check_record(void *context, uint64_t record, const uint8_t *bytes) {
    ShardCheck *check = context;
    check->damaged[record] = XXH3_64bits(bytes, check->record_bytes) != check->rows[record].checksum;
}

static void read_shard(const PackShardEntry *entry, ShardCheck *check) {
    PackShardFile file = {check->shard.descriptor,  check->shard.path,   entry->offset,
                          (uint64_t)entry->records, check->record_bytes, entry->bytes};
    uint64_t tables;
    char sha256[65];
    check->failed = pack_shard_scan(&file, check_record, check, &tables, sha256);
    if (!check->failed)
        check->wrong_sum = strcmp(sha256, entry->sha256) != 0;
}

/* Prints the damage; returns the number of damaged pieces. */
static int64_t print_damage(const ShardCheck *check, const PackShardEntry *entry, FILE *out) {
    if (check->failed) {
        fprintf(out, "%s\n", status_message(check->failed));
        return 1;
    }
    int64_t damages = 0;
    for (int64_t i = 0; i < entry->records; i++)
        if (check->damaged[i]) {
            fprintf(out, "%s: record %lld (%s) is damaged\n", check->shard.path, (long long)i, check->rows[i].source);
            damages++;
        }
    if (check->wrong_sum && !damages) {
        fprintf(out, "%s: its SHA-256 differs from pack.json's\n", check->shard.path);
        damages++;
    }
    return damages;
}

static void close_check(ShardCheck *check) {
    status_free(check->failed);
    free(check->rows);
    free(check->damaged);
    pack_memory_close(check->memory);
    pack_shard_close(&check->shard);
}

/* `count` shards from `first`, each in its own thread. */
static int64_t verify_shards(const char *directory, const PackManifest *manifest, int first, int count,
                             ShardCheck *checks, FILE *out) {
    int64_t damages = 0;
    memset(checks, 0, (size_t)count * sizeof *checks);
    for (int i = 0; i < count; i++)
        open_shard(directory, manifest, first + i, &checks[i]);
#pragma omp parallel for schedule(dynamic) num_threads(count)
    for (int i = 0; i < count; i++)
        if (!checks[i].failed)
            read_shard(&manifest->shards[first + i], &checks[i]);
    for (int i = 0; i < count; i++) {
        damages += print_damage(&checks[i], &manifest->shards[first + i], out);
        close_check(&checks[i]);
    }
    return damages;
}

/* A pack of intact parts can still contradict itself. */
static Status open_whole_pack(const char *directory) {
    Pack pack;
    TRY(pack_open(directory, &pack));
    pack_close(&pack);
    return NULL;
}

static Status verify_pack(const char *directory, const PackManifest *manifest, int threads, FILE *out) {
    ShardCheck *checks = calloc((size_t)threads, sizeof *checks);
    if (!checks)
        return status_no_memory("verifying", (unsigned long long)threads * sizeof *checks);
    int64_t damages = 0;
    for (int first = 0; first < manifest->shard_count; first += threads) {
        int left = manifest->shard_count - first;
        damages += verify_shards(directory, manifest, first, left < threads ? left : threads, checks, out);
    }
    free(checks);
    if (damages)
        return status_error(EXIT_DATA,
                            "%s: %lld damaged piece%s, listed above; restore the shards from a copy, or stage again",
                            directory, (long long)damages, damages == 1 ? "" : "s");
    TRY(open_whole_pack(directory));
    fprintf(out, "%s: all %lld records in %d shard%s are intact\n", directory, (long long)manifest->records,
            manifest->shard_count, manifest->shard_count == 1 ? "" : "s");
    return NULL;
}

Status pack_verify(const char *directory, int threads, FILE *out) {
    PackManifest manifest;
    TRY(pack_manifest_read(directory, &manifest));
    if (threads <= 0)
        threads = threads_available();
    if (threads > manifest.shard_count)
        threads = manifest.shard_count;
    Status status = verify_pack(directory, &manifest, threads, out);
    pack_manifest_close(&manifest);
    return status;
}
