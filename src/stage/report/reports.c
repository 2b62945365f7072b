/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/reports.h"

#include "base/digest.h"
#include "base/text_writer.h"
#include "base/tsv.h"
#include "pack/near_duplicates.h"
#include "pack/phash.h"
#include "stage/pack/shard_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the records of two inputs with near hashes look alike, too. */
static Status look_alike(const Output *output, const StageSource *source, const PipelineResult *result,
                         const int64_t *places, const int64_t inputs[2], bool *alike) {
    const size_t side = (size_t)source->info.image_size, size = side * side * 3;
    uint8_t *records = malloc(2 * size);
    if (!records)
        return status_no_memory("two records", 2 * size);
    Status status = NULL;
    *alike = true;
    for (int i = 0; i < 2 && !status && *alike; i++)
        status =
            shard_records_read(output, source, result, inputs[i], places[inputs[i]], records + (size_t)i * size, alike);
    if (!status && *alike)
        *alike = phash_likeness(records, (int)side, records + size, (int)side) >= PHASH_LIKE;
    free(records);
    return status;
}

static Status find_near_duplicates(const Output *output, const StageSource *source, const PipelineResult *result,
                                   Findings *findings) {
    uint64_t *hashes = malloc(((size_t)source->count + 1) * sizeof *hashes);
    int64_t *inputs = malloc(((size_t)source->count + 1) * sizeof *inputs);
    int64_t *nearest = malloc(((size_t)source->count + 1) * sizeof *nearest), count = 0;
    int64_t *places = malloc(((size_t)source->count + 1) * sizeof *places);
    Status status = hashes && inputs && nearest && places ? NULL : status_no_memory("the perceptual hashes", 0);
    for (int64_t i = 0; i < source->count && !status; i++)
        if (result->outcomes[i].packed && result->outcomes[i].phash) { /* 0: an image without structure */
            hashes[count] = result->outcomes[i].phash;
            inputs[count++] = i;
        }
    if (!status) {
        shard_records_places(result, places);
        status = near_duplicates_find(hashes, count, PHASH_NEAR, nearest);
    }
    for (int64_t i = 0; i < count && !status; i++) {
        if (nearest[i] < 0)
            continue;
        bool alike;
        status = look_alike(output, source, result, places, (const int64_t[2]){inputs[nearest[i]], inputs[i]}, &alike);
        if (status || !alike)
            continue;
        char detail[64];
        snprintf(detail, sizeof detail, "%d of 64 bits apart", __builtin_popcountll(hashes[i] ^ hashes[nearest[i]]));
        status = findings_add(findings, FINDING_NEAR_DUPLICATE, source->inputs[inputs[i]].path,
                              source->inputs[inputs[nearest[i]]].path, detail);
    }
    free(places);
    free(nearest);
    free(inputs);
    free(hashes);
    return status;
}

Status reports_gather(const Output *output, const StageSource *source, const PipelineResult *result,
                      Findings *findings) {
    for (int64_t i = 0; i < source->count; i++)
        TRY(outcome_tell(&result->outcomes[i], source->inputs[i].path, findings));
    return find_near_duplicates(output, source, result, findings);
}

static int compare_path(const void *path, const void *input) {
    return strcmp(path, ((const StageInput *)input)->path);
}

/* The outcome of the input at `path`; inputs are sorted by path. */
static const Outcome *find_outcome(const StageSource *source, const PipelineResult *result, const char *path) {
    const size_t count = result->outcomes ? (size_t)source->count : 0;
    const StageInput *input = count ? bsearch(path, source->inputs, count, sizeof *source->inputs, compare_path) : NULL;
    return input ? &result->outcomes[input - source->inputs] : NULL;
}

static void print_quarantine(FILE *out, const StageSource *source, const PipelineResult *result,
                             const Findings *findings) {
    fputs("path\tsha256\tstage\treason\n", out);
    for (int i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->list[i];
        if (finding_fate(finding->kind) != FATE_QUARANTINED)
            continue;
        const Outcome *outcome = find_outcome(source, result, finding->path);
        char hash[2 * DIGEST_SHA256 + 1] = "";
        if (outcome && outcome->hashed)
            digest_to_hex(outcome->sha256, DIGEST_SHA256, hash);
        const char *fields[] = {finding->path, hash, finding_name(finding->kind), finding->detail};
        tsv_put_line(out, fields, sizeof fields / sizeof *fields);
    }
}

/* Ends the text, which becomes the file `name` of the folder. */
static Status save_report(const Output *output, const char *name, TextWriter *text) {
    char *path;
    Status status = output_path(output, name, &path);
    if (!status)
        status = text_writer_save(text, path);
    text_writer_discard(text);
    free(path);
    return status;
}

Status reports_write(const Output *output, const StageSource *source, const PipelineResult *result,
                     Findings *findings) {
    char *path;
    TextWriter text;
    TRY(output_path(output, "findings.tsv", &path));
    Status status = findings_write(findings, path);
    free(path);
    TRY(status);
    TRY(text_writer_open(&text, "the quarantine"));
    print_quarantine(text.out, source, result, findings);
    return save_report(output, "quarantine.tsv", &text);
}

Status reports_write_hashes(const Output *output, const PipelineResult *result) {
    TextWriter text;
    TRY(text_writer_open(&text, "the list of shards"));
    for (int i = 0; i < result->shard_count; i++)
        if (result->shards[i].entry.records)
            fprintf(text.out, "%s  shards/%05d.h5\n", result->shards[i].entry.sha256, i);
    return save_report(output, "manifest-sha256.txt", &text);
}
