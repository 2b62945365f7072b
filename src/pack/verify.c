/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/pack_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

/* What one shard is found to be. */
typedef struct {
    PackShard shard;
    PackRow *rows;
    PackMemory *memory;
    Status failed;    /* why its records could not be looked at */
    uint8_t *damaged; /* [records] */
    size_t record_bytes;
    bool other_sum; /* its SHA-256 is not pack.json's */
} Finding;

/* Its tables: by one thread, as HDF5 wants it. */
static void open_shard(const char *directory, const PackManifest *manifest, int number, Finding *finding) {
    const PackShardEntry *entry = &manifest->shards[number];
    finding->record_bytes = (size_t)pack_record_bytes(&manifest->info);
    finding->failed = pack_shard_open(directory, &manifest->info, entry, &finding->shard);
    if (finding->failed)
        return;
    finding->rows = calloc((size_t)entry->records, sizeof *finding->rows);
    finding->damaged = calloc((size_t)entry->records, 1);
    if (!finding->rows || !finding->damaged)
        finding->failed = status_no_memory("the pack's rows", (unsigned long long)entry->records * sizeof(PackRow));
    else
        finding->failed = pack_shard_tables(&finding->shard, &manifest->info, entry, finding->rows, &finding->memory);
}

static void look_at_record(void *context, uint64_t record, const uint8_t *bytes) {
    Finding *finding = context;
    finding->damaged[record] = XXH3_64bits(bytes, finding->record_bytes) != finding->rows[record].checksum;
}

static void read_shard(const PackShardEntry *entry, Finding *finding) {
    PackSpan span = {finding->shard.descriptor, finding->shard.path,   entry->offset,
                     (uint64_t)entry->records,  finding->record_bytes, entry->bytes};
    uint64_t tables;
    char sha256[65];
    finding->failed = pack_shard_scan(&span, look_at_record, finding, &tables, sha256);
    if (!finding->failed)
        finding->other_sum = strcmp(sha256, entry->sha256) != 0;
}

/* Prints the damage; returns how many pieces. */
static int64_t tell(const Finding *finding, const PackShardEntry *entry, FILE *out) {
    if (finding->failed) {
        fprintf(out, "%s\n", status_message(finding->failed));
        return 1;
    }
    int64_t damages = 0;
    for (int64_t i = 0; i < entry->records; i++)
        if (finding->damaged[i]) {
            fprintf(out, "%s: record %lld (%s) is damaged\n", finding->shard.path, (long long)i,
                    finding->rows[i].source);
            damages++;
        }
    if (finding->other_sum && !damages) {
        fprintf(out, "%s: its SHA-256 is not pack.json's\n", finding->shard.path);
        damages++;
    }
    return damages;
}

static void close_finding(Finding *finding) {
    status_free(finding->failed);
    free(finding->rows);
    free(finding->damaged);
    pack_memory_close(finding->memory);
    pack_shard_close(&finding->shard);
}

/* `count` shards from `first`, each by a thread of its own. */
static int64_t verify_some(const char *directory, const PackManifest *manifest, int first, int count, Finding *findings,
                           FILE *out) {
    int64_t damages = 0;
    memset(findings, 0, (size_t)count * sizeof *findings);
    for (int i = 0; i < count; i++)
        open_shard(directory, manifest, first + i, &findings[i]);
#pragma omp parallel for schedule(dynamic) num_threads(count)
    for (int i = 0; i < count; i++)
        if (!findings[i].failed)
            read_shard(&manifest->shards[first + i], &findings[i]);
    for (int i = 0; i < count; i++) {
        damages += tell(&findings[i], &manifest->shards[first + i], out);
        close_finding(&findings[i]);
    }
    return damages;
}

/* A pack whose parts are sound can still contradict itself. */
static Status open_whole(const char *directory) {
    Pack pack;
    TRY(pack_open(directory, &pack));
    pack_close(&pack);
    return NULL;
}

static Status verify_all(const char *directory, const PackManifest *manifest, int threads, FILE *out) {
    Finding *findings = calloc((size_t)threads, sizeof *findings);
    if (!findings)
        return status_no_memory("verifying", (unsigned long long)threads * sizeof *findings);
    int64_t damages = 0;
    for (int first = 0; first < manifest->shard_count; first += threads) {
        int left = manifest->shard_count - first;
        damages += verify_some(directory, manifest, first, left < threads ? left : threads, findings, out);
    }
    free(findings);
    if (damages)
        return status_error(EXIT_DATA,
                            "%s: damaged in %lld places, listed above; restore the shards from a copy, or stage "
                            "again",
                            directory, (long long)damages);
    TRY(open_whole(directory));
    fprintf(out, "%s: %lld records in %d shards are as they were written\n", directory, (long long)manifest->records,
            manifest->shard_count);
    return NULL;
}

Status pack_verify(const char *directory, int threads, FILE *out) {
    PackManifest manifest;
    TRY(pack_manifest_read(directory, &manifest));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (threads <= 0)
        threads = cores > 0 ? (int)cores : 1;
    if (threads > manifest.shard_count)
        threads = manifest.shard_count;
    Status status = verify_all(directory, &manifest, threads, out);
    pack_manifest_close(&manifest);
    return status;
}
