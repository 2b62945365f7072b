/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/features/cache.h"

#include "base/files.h"
#include "pack/array_file.h"
#include "pack/derived.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define FORMAT "fovea-features"
#define VERSION "1"
enum { VIEW_TEXT = 256, HEX = 2 * DIGEST_SHA256 + 1, HASH_TEXT = 17 };

/* What features depend on. */
typedef struct {
    char weights[HEX], data[HASH_TEXT], view[VIEW_TEXT];
} FeatureKey;

static FeatureKey key_of(const Encoder *encoder, const Records *records, const FeatureOptions *options) {
    static const char *const tokens[] = {
        [TASK_CLS] = "cls", [TASK_MEAN] = "mean", [TASK_POOLED] = "pooled", [TASK_CLS_MEAN] = "cls+mean"};
    static const char *const resizes[] = {
        [RESIZE_BY_SOURCE] = "source", [RESIZE_BICUBIC] = "bicubic", [RESIZE_ANTIALIAS] = "antialias"};
    const ModelShape *s = &encoder->shape;
    FeatureKey key;
    digest_to_hex(encoder->sha256, DIGEST_SHA256, key.weights);
    snprintf(key.data, sizeof key.data, "%016" PRIx64, records->hash);
    snprintf(key.view, sizeof key.view, "%s of %d pixels, %s, %s, %d heads, eps %g, %s GELU, positions by %s%s%s",
             options->view == VIEW_CENTER ? "center" : "whole", s->image_size, tokens[options->tokens],
             encoder->type == REAL_FP32 ? "fp32" : "bf16", s->heads, s->norm_eps,
             s->activation == ACTIVATION_GELU_ERF ? "erf" : "tanh", resizes[encoder->resize],
             encoder->entry ? ", entry " : "", encoder->entry ? encoder->entry : "");
    return key;
}

static uint64_t hash_key(const FeatureKey *key) {
    char text[sizeof *key + 2];
    const int length = snprintf(text, sizeof text, "%s\n%s\n%s", key->weights, key->data, key->view);
    return XXH3_64bits(text, (size_t)length);
}

/* --- Writing --- */

/* A list of texts for each record; the texts are borrowed. */
static Status list_texts(const Records *records, const char *(*text_of)(const RecordsPart *, const PackRow *),
                         const char ***texts) {
    *texts = malloc(((size_t)records->count + 1) * sizeof **texts);
    if (!*texts)
        return status_no_memory("a column of features", (size_t)records->count * sizeof **texts);
    for (int64_t i = 0; i < records->count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(records, i, &number);
        (*texts)[i] = text_of(part, &part->pack.rows[number]);
    }
    return NULL;
}

static const char *dataset_of(const RecordsPart *part, const PackRow *row) {
    (void)row;
    return part->pack.info.dataset;
}
static const char *split_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return pack_split_name(row->split);
}
static const char *source_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return row->source;
}
static const char *person_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return row->person;
}

/* Licensed packs name the files that are made of them, before there are any. */
static Status register_file(const char *path, const Records *records) {
    for (int i = 0; i < records->part_count; i++)
        if (records->parts[i].pack.info.licensed)
            TRY(pack_derived_add(records->parts[i].pack.directory, path));
    return NULL;
}

enum { TEXTS = 4 }; /* of which licensed packs give the first two */

static Status write_file(const char *path, const Encoder *encoder, const FeatureKey *key, const Features *features,
                         const int64_t *numbers, const char **texts[TEXTS]) {
    static const char *const names[TEXTS] = {"dataset", "split", "source", "person"};
    Array arrays[2 + TEXTS] = {{"features", ARRAY_F32, features->count, features->width, features->values},
                               {"record", ARRAY_I64, features->count, 1, numbers}};
    int count = 2;
    for (int i = 0; i < TEXTS; i++)
        if (texts[i])
            arrays[count++] = (Array){names[i], ARRAY_TEXT, features->count, 1, texts[i]};
    const ArrayNote notes[] = {{"format", FORMAT},        {"version", VERSION}, {"encoder", encoder->name},
                               {"weights", key->weights}, {"data", key->data},  {"view", key->view}};
    return array_file_write(path, arrays, count, notes, sizeof notes / sizeof *notes);
}

Status features_write(const char *path, const Encoder *encoder, const Records *records, const FeatureOptions *options,
                      const Features *features) {
    static const char *(*const text_of[TEXTS])(const RecordsPart *, const PackRow *) = {dataset_of, split_of, source_of,
                                                                                        person_of};
    const FeatureKey key = key_of(encoder, records, options);
    const char **texts[TEXTS] = {NULL};
    int64_t *numbers = malloc(((size_t)records->count + 1) * sizeof *numbers);
    Status status = numbers ? register_file(path, records)
                            : status_no_memory("a column of features", (size_t)records->count * sizeof *numbers);
    for (int64_t i = 0; !status && i < records->count; i++)
        records_part(records, i, &numbers[i]);
    for (int i = 0; !status && i < (records->licensed ? 2 : TEXTS); i++)
        status = list_texts(records, text_of[i], &texts[i]);
    if (!status)
        status = write_file(path, encoder, &key, features, numbers, texts);
    for (int i = 0; i < TEXTS; i++)
        free(texts[i]);
    free(numbers);
    return status;
}

/* --- Reading --- */

static Status check_note(const char *path, ArrayFile *file, const char *name, const char *wanted, const char *what) {
    char *found;
    TRY(array_file_note(file, name, &found));
    Status status = strcmp(found, wanted) == 0
                        ? NULL
                        : status_error(EXIT_DATA, "%s has features of %s (%s, not %s)", path, what, found, wanted);
    free(found);
    return status;
}

static Status read_arrays(const char *path, ArrayFile *file, const FeatureKey *key, Features *features) {
    const size_t width = (size_t)features->width;
    TRY(check_note(path, file, "format", FORMAT, "another program"));
    TRY(check_note(path, file, "version", VERSION, "another version"));
    TRY(check_note(path, file, "weights", key->weights, "other weights"));
    TRY(check_note(path, file, "data", key->data, "other images"));
    TRY(check_note(path, file, "view", key->view, "another view"));
    TRY(array_file_read(file, "features", ARRAY_F32, features->count, features->width, features->values));
    for (int64_t i = 0; i < features->count; i++) {
        features->readable[i] = !isnan(features->values[(size_t)i * width]);
        features->unreadable += !features->readable[i];
    }
    return NULL;
}

Status features_read(const char *path, const Encoder *encoder, const Records *records, const FeatureOptions *options,
                     Features *features) {
    const FeatureKey key = key_of(encoder, records, options);
    ArrayFile *file;
    *features = (Features){0};
    TRY(features_allocate(features, records->count, encoder_width(encoder, options->tokens)));
    TRY(array_file_open(path, &file));
    Status status = read_arrays(path, file, &key, features);
    array_file_close(file);
    return status;
}

/* --- Once for each encoder --- */

Status features_folder(const Encoder *encoder, char **folder) {
    return encoder->source.run ? files_path(folder, "%s/eval", encoder->source.run) : files_path(folder, "runs/eval");
}

/* Only the next call is slower without the file. */
static void keep_features(const char *folder, const char *path, const Encoder *encoder, const Records *records,
                          const FeatureOptions *options, const Features *features, FILE *out) {
    Status status = files_make_directory(folder);
    if (!status)
        status = features_write(path, encoder, records, options, features);
    if (status && out)
        fprintf(out, "warning     features are not kept for the next time: %s\n", status_message(status));
    status_free(status);
}

/* Features that were kept by a call that allowed more unreadable records are refused. */
static Status check_unreadable(const char *path, const FeatureOptions *options, const Features *features, FILE *out) {
    const long long unreadable = features->unreadable, count = features->count;
    if ((double)unreadable > options->max_unreadable * (double)count + 1e-9)
        return status_error(EXIT_DATA,
                            "%s: %lld of %lld images could not be read, more than data.max_unreadable = %g allows; "
                            "repair them, or raise data.max_unreadable",
                            path, unreadable, count, options->max_unreadable);
    if (unreadable && out)
        fprintf(out, "left out    %lld images, which could not be read when %s was made\n", unreadable, path);
    return NULL;
}

Status features_get(Encoder *encoder, const Records *records, const FeatureOptions *options, const char *folder,
                    FILE *out, Features *features) {
    char *path;
    if (!folder || !records->part_count) /* files of a folder may change under their names */
        return features_extract(encoder, records, options, out, features);
    TRY(encoder_check(encoder, options->tokens));
    const FeatureKey key = key_of(encoder, records, options);
    TRY(files_path(&path, "%s/features-%016" PRIx64 ".h5", folder, hash_key(&key)));
    Status status;
    if (files_exists(path)) {
        status = features_read(path, encoder, records, options, features);
        if (!status)
            status = check_unreadable(path, options, features, out);
        if (status_code(status) == EXIT_DATA)
            status = status_append(status, "; delete it, and features are computed again");
        if (!status && out)
            fprintf(out, "features    %lld images, from %s\n", (long long)records->count, path);
    } else {
        status = features_extract(encoder, records, options, out, features);
        if (!status)
            keep_features(folder, path, encoder, records, options, features, out);
    }
    free(path);
    return status;
}
