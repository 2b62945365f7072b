/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/manifest.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cJSON.h>

enum { MAX_SIDE = 1 << 15 }; /* pixels: a record is then 3 GiB */
static const double MAX_INTEGER = 9007199254740992.0;

/* --- Writing --- */

static void print_shard(Json *json, const PackShardEntry *shard) {
    json_object(json, NULL, JSON_TABS);
    json_string(json, "file", shard->file);
    json_integer(json, "records", shard->records);
    json_unsigned(json, "bytes", shard->bytes);
    json_unsigned(json, "offset", shard->offset);
    json_hash(json, "tables", shard->tables);
    json_string(json, "sha256", shard->sha256);
    json_end(json);
}

Status pack_manifest_write(const char *directory, const PackInfo *info, const PackShardEntry *shards, int shard_count) {
    int64_t records = 0;
    for (int i = 0; i < shard_count; i++)
        records += shards[i].records;
    char *path;
    TRY(files_path(&path, "%s/pack.json", directory));
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_TABS);
    json_string(&json, "format", PACK_FORMAT);
    json_integer(&json, "version", PACK_VERSION);
    json_string(&json, "dataset", info->dataset);
    json_string(&json, "dataset_version", info->dataset_version);
    json_bool(&json, "licensed", info->licensed);
    json_integer(&json, "image_size", info->image_size);
    json_integer(&json, "records", records);
    json_array(&json, "labels", JSON_TABS);
    for (int i = 0; i < info->label_count; i++)
        json_string(&json, NULL, info->label_names[i]);
    json_end(&json);
    json_array(&json, "shards", JSON_TABS);
    for (int i = 0; i < shard_count; i++)
        print_shard(&json, &shards[i]);
    json_end(&json);
    json_end(&json);
    Status status = json_write(&json, path);
    free(path);
    return status;
}

/* --- Reading --- */

typedef struct {
    const char *path;
    const cJSON *object;
} JsonObject;

static Status bad_value(const JsonObject *json, const char *key, const char *what) {
    return status_error(EXIT_DATA, "%s: %s: %s; restore it from a copy, or stage again", json->path, key, what);
}

static Status get_integer(const JsonObject *json, const char *key, double low, double high, int64_t *value) {
    *value = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json->object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= low && item->valuedouble <= high) ||
        item->valuedouble != floor(item->valuedouble))
        return bad_value(json, key, "not a whole number in the allowed range");
    *value = (int64_t)item->valuedouble;
    return NULL;
}

static Status get_text(const JsonObject *json, const char *key, char **value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json->object, key);
    if (!cJSON_IsString(item))
        return bad_value(json, key, "not a string");
    *value = strdup(item->valuestring);
    return *value ? NULL : status_no_memory("pack.json", strlen(item->valuestring) + 1);
}

static Status get_hexadecimal(const JsonObject *json, const char *key, int count, uint8_t *bytes) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json->object, key);
    if (!cJSON_IsString(item) || !digest_from_hex(item->valuestring, count, bytes))
        return bad_value(json, key, "not hexadecimal of the right length");
    return NULL;
}

static Status get_list(const JsonObject *json, const char *key, const cJSON **list) {
    *list = cJSON_GetObjectItemCaseSensitive(json->object, key);
    return cJSON_IsArray(*list) ? NULL : bad_value(json, key, "not a list");
}

static Status read_shard(const char *path, const cJSON *object, PackShardEntry *shard) {
    const JsonObject json = {path, object};
    uint8_t tables[8], sha256[DIGEST_SHA256];
    int64_t bytes, offset;
    TRY(get_text(&json, "file", &shard->file));
    if (!*shard->file || *shard->file == '.' || strchr(shard->file, '/'))
        return bad_value(&json, "file", "not the name of a file below shards/");
    TRY(get_integer(&json, "records", 1, MAX_INTEGER, &shard->records));
    TRY(get_integer(&json, "bytes", 1, MAX_INTEGER, &bytes));
    TRY(get_integer(&json, "offset", 1, MAX_INTEGER, &offset));
    TRY(get_hexadecimal(&json, "tables", sizeof tables, tables));
    TRY(get_hexadecimal(&json, "sha256", sizeof sha256, sha256));
    shard->bytes = (uint64_t)bytes;
    shard->offset = (uint64_t)offset;
    for (int i = 0; i < 8; i++)
        shard->tables = shard->tables << 8 | tables[i];
    digest_to_hex(sha256, DIGEST_SHA256, shard->sha256);
    return NULL;
}

static Status read_shards(const JsonObject *json, PackManifest *manifest) {
    const cJSON *list, *item;
    TRY(get_list(json, "shards", &list));
    int count = cJSON_GetArraySize(list);
    if (count < 1)
        return bad_value(json, "shards", "the list is empty");
    manifest->shards = calloc((size_t)count, sizeof *manifest->shards);
    if (!manifest->shards)
        return status_no_memory("pack.json", (unsigned long long)count * sizeof *manifest->shards);
    cJSON_ArrayForEach(item, list) {
        PackShardEntry *shard = &manifest->shards[manifest->shard_count++];
        TRY(read_shard(json->path, item, shard));
        for (int i = 0; i < manifest->shard_count - 1; i++)
            if (strcmp(manifest->shards[i].file, shard->file) == 0)
                return bad_value(json, shard->file, "listed twice");
        if (__builtin_add_overflow(manifest->records, shard->records, &manifest->records))
            return bad_value(json, "records", "too many");
    }
    int64_t records;
    TRY(get_integer(json, "records", 1, MAX_INTEGER, &records));
    return records == manifest->records ? NULL : bad_value(json, "records", "not the sum of the shards'");
}

static Status read_labels(const JsonObject *json, PackInfo *info) {
    const cJSON *list, *item;
    TRY(get_list(json, "labels", &list));
    info->label_names = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *info->label_names);
    if (!info->label_names)
        return status_no_memory("pack.json", 0);
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return bad_value(json, "labels", "a name is not a string");
        info->label_names[info->label_count] = strdup(item->valuestring);
        if (!info->label_names[info->label_count++])
            return status_no_memory("pack.json", 0);
    }
    return NULL;
}

static Status check_format(const JsonObject *json) {
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(json->object, "format");
    int64_t version;
    if (!cJSON_IsString(format) || strcmp(format->valuestring, PACK_FORMAT) != 0)
        return status_error(EXIT_DATA, "%s: not a pack: its format is not \"" PACK_FORMAT "\"", json->path);
    TRY(get_integer(json, "version", 1, MAX_INTEGER, &version));
    if (version > PACK_VERSION)
        return status_error(EXIT_DATA,
                            "%s: written by a newer fovea (pack version %lld; this one reads up to %d); update fovea",
                            json->path, (long long)version, PACK_VERSION);
    return NULL;
}

static Status read_manifest(const JsonObject *json, PackManifest *manifest) {
    int64_t side;
    TRY(check_format(json));
    TRY(get_text(json, "dataset", &manifest->info.dataset));
    TRY(get_text(json, "dataset_version", &manifest->info.dataset_version));
    TRY(get_integer(json, "image_size", 1, MAX_SIDE, &side));
    manifest->info.image_size = (int)side;
    const cJSON *licensed = cJSON_GetObjectItemCaseSensitive(json->object, "licensed");
    if (!cJSON_IsBool(licensed))
        return bad_value(json, "licensed", "neither true nor false");
    manifest->info.licensed = cJSON_IsTrue(licensed);
    TRY(read_labels(json, &manifest->info));
    return read_shards(json, manifest);
}

bool pack_is(const char *directory) {
    char *manifest, *shards = NULL;
    Status status = files_path(&manifest, "%s/pack.json", directory);
    if (!status)
        status = files_path(&shards, "%s/shards", directory);
    bool is = !status && (files_exists(manifest) || files_exists(shards));
    status_free(status);
    free(manifest);
    free(shards);
    return is;
}

/* `cause`: the errno of stat(2) on pack.json. */
static Status explain_missing(const char *directory, int cause) {
    if (cause != ENOENT && cause != ENOTDIR)
        return status_error(EXIT_DATA,
                            "%s: cannot be accessed: %s; only the owner of a pack and the owner's group can read it",
                            directory, strerror(cause));
    if (pack_is(directory))
        return status_error(
            EXIT_DATA, "%s: an unfinished pack (no pack.json yet); run the same ./stage command again to finish it",
            directory);
    return status_error(EXIT_DATA, "%s: not a pack: it contains no pack.json", directory);
}

Status pack_manifest_read(const char *directory, PackManifest *manifest) {
    *manifest = (PackManifest){0};
    char *path, *text = NULL;
    size_t size;
    TRY(files_path(&path, "%s/pack.json", directory));
    struct stat st;
    Status status = stat(path, &st) == 0 ? files_read(path, &text, &size) : explain_missing(directory, errno);
    cJSON *object = status ? NULL : cJSON_ParseWithLength(text, size);
    if (!status && !cJSON_IsObject(object))
        status =
            status_error(EXIT_DATA, "%s: not a JSON object: damaged; restore it from a copy, or stage again", path);
    if (!status)
        status = read_manifest(&(JsonObject){path, object}, manifest);
    if (status)
        pack_manifest_close(manifest);
    cJSON_Delete(object);
    free(text);
    free(path);
    return status;
}

void pack_info_close(PackInfo *info) {
    for (int i = 0; i < info->label_count; i++)
        free(info->label_names[i]);
    free(info->label_names);
    free(info->dataset);
    free(info->dataset_version);
    *info = (PackInfo){0};
}

void pack_manifest_close(PackManifest *manifest) {
    for (int i = 0; i < manifest->shard_count; i++)
        free(manifest->shards[i].file);
    free(manifest->shards);
    pack_info_close(&manifest->info);
    *manifest = (PackManifest){0};
}

uint64_t pack_record_bytes(const PackInfo *info) {
    return (uint64_t)info->image_size * (uint64_t)info->image_size * 3;
}
