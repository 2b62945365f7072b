/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/shard.h"

#include "base/digest.h"
#include "base/files.h"
#include "pack/shard_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rejects an outcome whose content is already packed, in this shard or an earlier one. */
static Status reject_duplicate(const StageSource *source, const ContentIndex *contents, int64_t input,
                               Outcome *outcome) {
    const int64_t first = content_index_find(contents, outcome->sha256);
    if (first < 0)
        return NULL;
    const StageInput *kept = &source->inputs[first], *now = &source->inputs[input];
    char detail[600];
    if (kept->split == now->split)
        return outcome_reject(outcome, FINDING_DUPLICATE, kept->path, "the same bytes");
    snprintf(detail, sizeof detail, "the same bytes, of person %.200s in %s and of person %.200s in %s", kept->person,
             kept->split ? pack_split_name(kept->split) : "no split", now->person,
             now->split ? pack_split_name(now->split) : "no split");
    return outcome_reject(outcome, FINDING_DUPLICATE_SPLIT, kept->path, detail);
}

static bool is_duplicate(const Outcome *outcome) {
    return !outcome->packed && (outcome->kind == FINDING_DUPLICATE || outcome->kind == FINDING_DUPLICATE_SPLIT);
}

/* Whether reject_duplicate() would give the same outcome: the other file is the one that has the content now, on the
 * same side of the split as then. */
static bool still_agrees(const StageSource *source, const ContentIndex *contents, int64_t input,
                         const Outcome *outcome) {
    const int64_t first = content_index_find(contents, outcome->sha256);
    if (!is_duplicate(outcome))
        return first < 0;
    const bool same_side = first >= 0 && source->inputs[first].split == source->inputs[input].split;
    return first >= 0 && strcmp(source->inputs[first].path, outcome->other) == 0 &&
           same_side == (outcome->kind == FINDING_DUPLICATE);
}

static bool journal_agrees(const StageSource *source, const ShardState *state, const Outcome *outcomes,
                           ContentIndex *within, const ContentIndex *contents) {
    for (int64_t i = 0; i < state->count; i++) {
        const Outcome *outcome = &outcomes[i];
        if (!outcome->packed && !is_duplicate(outcome))
            continue;
        const bool before = content_index_find(contents, outcome->sha256) >= 0;
        if (!still_agrees(source, before ? contents : within, state->first + i, outcome))
            return false;
        if (outcome->packed)
            content_index_add(within, outcome->sha256, state->first + i);
    }
    return true;
}

Status shard_mark_duplicates(const StageSource *source, const ShardState *state, Outcome *outcomes, bool from_journal,
                             ContentIndex *contents, bool *agrees) {
    *agrees = true;
    if (from_journal) {
        ContentIndex within;
        TRY(content_index_open(&within, state->count));
        *agrees = journal_agrees(source, state, outcomes, &within, contents);
        content_index_close(&within);
        if (!*agrees)
            return NULL;
    }
    for (int64_t i = 0; i < state->count; i++) {
        if (!outcomes[i].packed)
            continue;
        if (!from_journal)
            TRY(reject_duplicate(source, contents, state->first + i, &outcomes[i]));
        if (outcomes[i].packed)
            content_index_add(contents, outcomes[i].sha256, state->first + i);
    }
    return NULL;
}

static void fill_row(const StageInput *input, const Outcome *outcome, PackRow *row) {
    *row = (PackRow){.source = input->path,
                     .person = input->person,
                     .device = input->device,
                     .modality = input->modality,
                     .eye = input->eye,
                     .split = input->split,
                     .checksum = outcome->checksum,
                     .phash = outcome->phash,
                     .size = {outcome->size[0], outcome->size[1]},
                     .flags = outcome->framing.flags,
                     .labels = input->labels};
    memcpy(row->sha256, outcome->sha256, sizeof row->sha256);
    memcpy(row->circle, outcome->framing.circle, sizeof row->circle);
    memcpy(row->crop, outcome->framing.crop, sizeof row->crop);
}

/* Moves a record of the spool to an earlier place. */
static Status move_record(int spool, int64_t from, int64_t to, uint8_t *buffer, size_t bytes) {
    TRY(files_read_at(spool, "the spool", buffer, bytes, (uint64_t)from * bytes));
    return files_write_at(spool, "the spool", buffer, bytes, (uint64_t)to * bytes);
}

/* Moves the packed records together and fills their rows. */
static Status gather_records(const StageSource *source, const ShardState *state, const Outcome *outcomes, int spool,
                             PackRow *rows, int64_t *records) {
    const size_t side = (size_t)source->info.image_size, bytes = side * side * 3;
    uint8_t *buffer = malloc(bytes);
    if (!buffer)
        return status_no_memory("a record", bytes);
    Status status = NULL;
    *records = 0;
    for (int64_t i = 0; i < state->count && !status; i++) {
        if (!outcomes[i].packed)
            continue;
        if (i != *records)
            status = move_record(spool, i, *records, buffer, bytes);
        fill_row(&source->inputs[state->first + i], &outcomes[i], &rows[(*records)++]);
    }
    free(buffer);
    if (!status && ftruncate(spool, (off_t)((size_t)*records * bytes)) != 0)
        status = status_error(EXIT_IO, "cannot shorten the spool of records: %s", strerror(errno));
    return status;
}

/* Writes the file under a temporary name, then renames it. */
static Status write_shard_file(const Output *output, int number, const PackInfo *info, const PackRow *rows,
                               int64_t records, int spool, PackShardEntry *entry) {
    char *path, *unfinished;
    TRY(output_shard(output, number, &path));
    Status status = files_name_unfinished(path, &unfinished);
    if (!status)
        status = files_finish(unfinished, path, pack_shard_write(unfinished, info, rows, records, spool, entry));
    free(path);
    return status;
}

Status shard_write(const Output *output, int number, const StageSource *source, ShardState *state,
                   const Outcome *outcomes, int spool) {
    PackRow *rows = calloc((size_t)state->count, sizeof *rows);
    if (!rows)
        return status_no_memory("a shard's rows", (unsigned long long)state->count * sizeof *rows);
    int64_t records = 0;
    state->entry = (PackShardEntry){0};
    /* The journal of an older shard must not vouch for the new file, however this call ends. */
    Status status = output_remove_journal(output, number);
    if (!status)
        status = gather_records(source, state, outcomes, spool, rows, &records);
    if (!status)
        status = records ? write_shard_file(output, number, &source->info, rows, records, spool, &state->entry)
                         : output_remove_shard(output, number);
    free(rows);
    TRY(status);
    char *path;
    TRY(output_journal(output, number, &path));
    status = journal_write(path, source, state, outcomes);
    free(path);
    return status;
}

Status shard_is_intact(const char *path, const PackShardEntry *entry, bool *intact) {
    *intact = false;
    if (files_size(path) != (int64_t)entry->bytes)
        return NULL;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    Digest digest;
    Status status = digest_descriptor(descriptor, path, false, &digest);
    close(descriptor);
    if (status_code(status) == EXIT_IO) { /* an unreadable file is rewritten, elsewhere on the disk */
        status_free(status);
        return NULL;
    }
    TRY(status);
    char text[2 * DIGEST_SHA256 + 1];
    digest_to_hex(digest.sha256, DIGEST_SHA256, text);
    *intact = strcmp(text, entry->sha256) == 0;
    return NULL;
}
