/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/journal.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/text_writer.h"
#include "base/tsv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

enum { HEAD_FIELDS = 7, FIELDS = 19 };
#define SEAL "sum\t" /* starts the last line */

static void hash_text(XXH3_state_t *state, const char *text) {
    XXH3_64bits_update(state, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void hash_input(XXH3_state_t *state, const StageSource *source, const StageInput *input) {
    hash_text(state, input->path);
    hash_text(state, input->person);
    hash_text(state, input->device);
    hash_text(state, input->modality);
    hash_text(state, input->md5);
    hash_text(state, input->exclude_reason);
    hash_text(state, input->quarantine_reason);
    const int64_t rest[] = {input->eye, input->split, input->frame, input->is_dicom, input->verify_header};
    XXH3_64bits_update(state, rest, sizeof rest);
    XXH3_64bits_update(state, input->labels, (size_t)source->info.label_count * sizeof *input->labels);
    struct stat st;
    char *path;
    Status status = files_path(&path, "%s/%s", source->root, input->path);
    if (!status && stat(path, &st) == 0) {
        const int64_t file[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
        XXH3_64bits_update(state, file, sizeof file);
    }
    status_free(status);
    free(path);
}

uint64_t journal_key(const StageSource *source, const char *recipe, int64_t first, int64_t count) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return 0; /* matches no journal: the shard is rebuilt */
    XXH3_64bits_reset(state);
    hash_text(state, recipe);
    for (int i = 0; i < source->info.label_count; i++)
        hash_text(state, source->info.label_names[i]);
    for (int64_t i = first; i < first + count; i++)
        hash_input(state, source, &source->inputs[i]);
    const uint64_t key = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return key ? key : 1;
}

static void write_outcome(FILE *out, const char *path, const Outcome *outcome) {
    char hash[65] = "", checksum[17], phash[17], numbers[12][24];
    const Framing *framing = &outcome->framing;
    const char *detail = outcome->packed ? outcome->warnings : outcome->detail;
    if (outcome->hashed)
        digest_to_hex(outcome->sha256, DIGEST_SHA256, hash);
    snprintf(checksum, sizeof checksum, "%016" PRIx64, outcome->checksum);
    snprintf(phash, sizeof phash, "%016" PRIx64, outcome->phash);
    const char *fields[FIELDS] = {outcome->packed ? "packed" : finding_name(outcome->kind),
                                  path,
                                  hash,
                                  outcome->other ? outcome->other : "",
                                  detail ? detail : "",
                                  checksum,
                                  phash};
    for (int i = 0; i < 4; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%.9g", (double)framing->circle[i]);
        snprintf(numbers[4 + i], sizeof numbers[i], "%" PRId32, framing->crop[i]);
    }
    snprintf(numbers[8], sizeof numbers[8], "%" PRIu32, framing->flags);
    snprintf(numbers[9], sizeof numbers[9], "%" PRId32, outcome->size[0]);
    snprintf(numbers[10], sizeof numbers[10], "%" PRId32, outcome->size[1]);
    snprintf(numbers[11], sizeof numbers[11], "%" PRIu64, outcome->bytes);
    int count = 7;
    for (int i = 0; i < 12; i++)
        fields[count++] = numbers[i];
    tsv_put_line(out, fields, count);
}

Status journal_write(const char *path, const StageSource *source, const ShardState *state, const Outcome *outcomes) {
    TextWriter text;
    TRY(text_writer_open(&text, "a journal"));
    const PackShardEntry *entry = &state->entry;
    fprintf(text.out, "shard\t%016" PRIx64 "\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64 "\t%s\n", state->key,
            entry->records, entry->bytes, entry->offset, entry->tables, entry->sha256);
    for (int64_t i = 0; i < state->count; i++)
        if (outcomes[i].settled)
            write_outcome(text.out, source->inputs[state->first + i].path, &outcomes[i]);
    fflush(text.out);
    fprintf(text.out, SEAL "%016" PRIx64 "\n", (uint64_t)XXH3_64bits(text.text, text.size));
    return text_writer_save(&text, path);
}

/* Removes the last line of a journal; false when it is not the checksum of the lines before. */
static bool remove_seal(char *text, size_t size) {
    const size_t line = strlen(SEAL) + 16 + 1;
    if (size < line || strncmp(text + size - line, SEAL, strlen(SEAL)) != 0)
        return false;
    const uint64_t sum = strtoull(text + size - line + strlen(SEAL), NULL, 16);
    text[size - line] = '\0';
    return XXH3_64bits(text, size - line) == sum && strlen(text) == size - line;
}

static bool parse_kind(const char *name, Outcome *outcome) {
    outcome->packed = strcmp(name, "packed") == 0;
    for (FindingKind kind = 0; !outcome->packed; kind++) {
        if (kind == FINDING_KINDS)
            return false;
        if (strcmp(name, finding_name(kind)) == 0) {
            outcome->kind = kind;
            break;
        }
    }
    return true;
}

static bool parse_outcome(char *const *fields, Outcome *outcome) {
    Framing *framing = &outcome->framing;
    if (!parse_kind(fields[0], outcome))
        return false;
    outcome->hashed = fields[2][0] != '\0';
    if (outcome->hashed && !digest_from_hex(fields[2], DIGEST_SHA256, outcome->sha256))
        return false;
    outcome->checksum = strtoull(fields[5], NULL, 16);
    outcome->phash = strtoull(fields[6], NULL, 16);
    for (int i = 0; i < 4; i++) {
        framing->circle[i] = strtof(fields[7 + i], NULL);
        framing->crop[i] = (int32_t)strtol(fields[11 + i], NULL, 10);
    }
    framing->flags = (uint32_t)strtoul(fields[15], NULL, 10);
    outcome->size[0] = (int32_t)strtol(fields[16], NULL, 10);
    outcome->size[1] = (int32_t)strtol(fields[17], NULL, 10);
    outcome->bytes = strtoull(fields[18], NULL, 10);
    outcome->settled = true;
    return true;
}

/* Reads the lines of outcomes, which are in the inputs' order. */
static Status parse_outcomes(char *text, const StageSource *source, const ShardState *state, Outcome *outcomes,
                             bool *found) {
    char *fields[FIELDS];
    int64_t i = 0;
    for (int count; (count = tsv_take_line(&text, fields, FIELDS)); i++) {
        while (i < state->count && count == FIELDS && strcmp(source->inputs[state->first + i].path, fields[1]) != 0)
            i++;
        if (count != FIELDS || i == state->count || !parse_outcome(fields, &outcomes[i]))
            return NULL;
        if (!outcomes[i].packed && outcomes[i].kind == FINDING_UNREADABLE)
            return NULL; /* the key does not show whether the file is readable now */
        if (!outcomes[i].packed)
            TRY(outcome_reject(&outcomes[i], outcomes[i].kind, fields[3], fields[4]));
        else if (*fields[4] && !(outcomes[i].warnings = strdup(fields[4])))
            return status_no_memory("a finding", strlen(fields[4]));
    }
    *found = true;
    return NULL;
}

Status journal_read(const char *path, const StageSource *source, ShardState *state, Outcome *outcomes, bool *found) {
    char *text, *fields[HEAD_FIELDS];
    size_t size;
    *found = false;
    if (!files_exists(path))
        return NULL;
    TRY(files_read(path, &text, &size));
    char *rest = text;
    Status status = NULL;
    if (remove_seal(text, size) && tsv_take_line(&rest, fields, HEAD_FIELDS) == HEAD_FIELDS &&
        strcmp(fields[0], "shard") == 0 && strtoull(fields[1], NULL, 16) == state->key &&
        strlen(fields[6]) < sizeof state->entry.sha256) {
        state->entry.records = strtoll(fields[2], NULL, 10);
        state->entry.bytes = strtoull(fields[3], NULL, 10);
        state->entry.offset = strtoull(fields[4], NULL, 10);
        state->entry.tables = strtoull(fields[5], NULL, 16);
        strcpy(state->entry.sha256, fields[6]);
        status = parse_outcomes(rest, source, state, outcomes, found);
    }
    free(text);
    if (!*found)
        for (int64_t i = 0; i < state->count; i++)
            outcome_close(&outcomes[i]);
    return status;
}
