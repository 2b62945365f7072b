/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/reports.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/tsv.h"
#include "stage/frame/near_duplicates.h"
#include "stage/frame/phash.h"
#include "stage/pack/shard_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether two inputs with near hashes look alike in their records, too. */
static Status look_alike(const Output *output, const StageSource *source, const PipelineResult *result,
                         const int64_t inputs[2], bool *alike) {
    const size_t side = (size_t)source->info.image_size, size = side * side * 3;
    uint8_t *records = malloc(2 * size);
    if (!records)
        return status_no_memory("two records", 2 * size);
    Status status = NULL;
    *alike = true;
    for (int i = 0; i < 2 && !status && *alike; i++)
        status = packed_read(output, source, result, inputs[i], records + (size_t)i * size, alike);
    if (!status && *alike)
        *alike = phash_likeness(records, records + size, source->info.image_size) >= PHASH_LIKE;
    free(records);
    return status;
}

static Status gather_near(const Output *output, const StageSource *source, const PipelineResult *result,
                          Findings *findings) {
    uint64_t *hashes = malloc(((size_t)source->count + 1) * sizeof *hashes);
    int64_t *inputs = malloc(((size_t)source->count + 1) * sizeof *inputs);
    int64_t *nearest = malloc(((size_t)source->count + 1) * sizeof *nearest), count = 0;
    Status status = hashes && inputs && nearest ? NULL : status_no_memory("the perceptual hashes", 0);
    for (int64_t i = 0; i < source->count && !status; i++)
        if (result->outcomes[i].packed && result->outcomes[i].phash) { /* 0: nothing to tell images apart by */
            hashes[count] = result->outcomes[i].phash;
            inputs[count++] = i;
        }
    if (!status)
        status = near_find(hashes, count, PHASH_NEAR, nearest);
    for (int64_t i = 0; i < count && !status; i++) {
        if (nearest[i] < 0)
            continue;
        bool alike;
        status = look_alike(output, source, result, (const int64_t[2]){inputs[nearest[i]], inputs[i]}, &alike);
        if (status || !alike)
            continue;
        char detail[64];
        snprintf(detail, sizeof detail, "%d of 64 bits apart", __builtin_popcountll(hashes[i] ^ hashes[nearest[i]]));
        status = findings_add(findings, FINDING_NEAR_DUPLICATE, source->inputs[inputs[i]].path,
                              source->inputs[inputs[nearest[i]]].path, detail);
    }
    free(nearest);
    free(inputs);
    free(hashes);
    return status;
}

Status reports_gather(const Output *output, const StageSource *source, const PipelineResult *result,
                      Findings *findings) {
    for (int64_t i = 0; i < source->count; i++) {
        const Outcome *outcome = &result->outcomes[i];
        if (outcome->settled && !outcome->packed)
            TRY(findings_add(findings, outcome->kind, source->inputs[i].path, outcome->other, outcome->detail));
    }
    return gather_near(output, source, result, findings);
}

/* The outcome of the input at `path`; inputs are sorted by path. */
static const Outcome *outcome_of(const StageSource *source, const PipelineResult *result, const char *path) {
    int64_t low = 0, high = result->outcomes ? source->count : 0;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int order = strcmp(source->inputs[middle].path, path);
        if (order == 0)
            return &result->outcomes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void print_quarantine(FILE *out, const StageSource *source, const PipelineResult *result,
                             const Findings *findings) {
    fputs("path\tsha256\tstage\treason\n", out);
    for (int i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->list[i];
        if (finding_fate(finding->kind) != FATE_QUARANTINED)
            continue;
        const Outcome *outcome = outcome_of(source, result, finding->path);
        char hash[2 * DIGEST_SHA256 + 1] = "";
        if (outcome && outcome->hashed)
            digest_to_hex(outcome->sha256, DIGEST_SHA256, hash);
        const char *fields[] = {finding->path, hash, finding_name(finding->kind), finding->detail};
        tsv_put_line(out, fields, sizeof fields / sizeof *fields);
    }
}

static Status write_named(const Output *output, const char *name, const char *text, size_t size) {
    char *path;
    TRY(output_path(output, name, &path));
    Status status = files_write(path, text, size);
    free(path);
    return status;
}

Status reports_write(const Output *output, const StageSource *source, const PipelineResult *result,
                     Findings *findings) {
    char *path, *text = NULL;
    size_t size = 0;
    TRY(output_path(output, "findings.tsv", &path));
    Status status = findings_write(findings, path);
    free(path);
    TRY(status);
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("the quarantine", 0);
    print_quarantine(out, source, result, findings);
    status = fclose(out) ? status_no_memory("the quarantine", 0) : write_named(output, "quarantine.tsv", text, size);
    free(text);
    return status;
}

Status reports_write_hashes(const Output *output, const PipelineResult *result) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("the list of shards", 0);
    for (int i = 0; i < result->shard_count; i++)
        if (result->shards[i].entry.records)
            fprintf(out, "%s  shards/%05d.h5\n", result->shards[i].entry.sha256, i);
    Status status = fclose(out) ? status_no_memory("the list of shards", 0)
                                : write_named(output, "manifest-sha256.txt", text, size);
    free(text);
    return status;
}
