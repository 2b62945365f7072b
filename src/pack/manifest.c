/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/files.h"
#include "pack/pack_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cJSON.h>

enum { LARGEST_SIDE = 1 << 15 }; /* pixels: a record is then 3 GiB */
static const double LARGEST_INTEGER = 9007199254740992.0;

/* --- Writing --- */

static bool add_hexadecimal(cJSON *object, const char *key, uint64_t value) {
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    return cJSON_AddStringToObject(object, key, text);
}

static bool add_shard(cJSON *list, const PackShardEntry *shard) {
    cJSON *object = cJSON_CreateObject();
    bool ok = object && cJSON_AddStringToObject(object, "file", shard->file) &&
              cJSON_AddNumberToObject(object, "records", (double)shard->records) &&
              cJSON_AddNumberToObject(object, "bytes", (double)shard->bytes) &&
              cJSON_AddNumberToObject(object, "offset", (double)shard->offset) &&
              add_hexadecimal(object, "tables", shard->tables) &&
              cJSON_AddStringToObject(object, "sha256", shard->sha256);
    if (ok && cJSON_AddItemToArray(list, object))
        return true;
    cJSON_Delete(object);
    return false;
}

static bool add_all(cJSON *object, const PackInfo *info, const PackShardEntry *shards, int shard_count) {
    int64_t records = 0;
    for (int i = 0; i < shard_count; i++)
        records += shards[i].records;
    bool ok = cJSON_AddStringToObject(object, "format", PACK_FORMAT) &&
              cJSON_AddNumberToObject(object, "version", PACK_VERSION) &&
              cJSON_AddStringToObject(object, "dataset", info->dataset) &&
              cJSON_AddStringToObject(object, "dataset_version", info->dataset_version) &&
              cJSON_AddBoolToObject(object, "licensed", info->licensed) &&
              cJSON_AddNumberToObject(object, "image_size", info->image_size) &&
              cJSON_AddNumberToObject(object, "records", (double)records);
    cJSON *list = ok ? cJSON_AddArrayToObject(object, "labels") : NULL;
    for (int i = 0; i < info->label_count && list; i++) {
        cJSON *name = cJSON_CreateString(info->label_names[i]);
        if (!name || !cJSON_AddItemToArray(list, name))
            return false;
    }
    list = list ? cJSON_AddArrayToObject(object, "shards") : NULL;
    ok = list != NULL;
    for (int i = 0; i < shard_count && ok; i++)
        ok = add_shard(list, &shards[i]);
    return ok;
}

Status pack_manifest_write(const char *directory, const PackInfo *info, const PackShardEntry *shards, int shard_count) {
    cJSON *object = cJSON_CreateObject();
    char *text = object && add_all(object, info, shards, shard_count) ? cJSON_Print(object) : NULL;
    char *path = files_path("%s/pack.json", directory);
    Status status = text && path ? files_write(path, text, strlen(text)) : status_no_memory("pack.json", 0);
    cJSON_Delete(object);
    cJSON_free(text);
    free(path);
    return status;
}

/* --- Reading --- */

typedef struct {
    const char *path;
    const cJSON *object;
} Place;

static Status wrong(const Place *place, const char *key, const char *what) {
    return status_error(EXIT_DATA, "%s: %s: %s; restore it from a copy, or stage again", place->path, key, what);
}

static Status get_integer(const Place *place, const char *key, double least, double most, int64_t *value) {
    *value = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least && item->valuedouble <= most) ||
        item->valuedouble != floor(item->valuedouble))
        return wrong(place, key, "not a whole number that makes sense here");
    *value = (int64_t)item->valuedouble;
    return NULL;
}

static Status get_text(const Place *place, const char *key, char **value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, key);
    if (!cJSON_IsString(item))
        return wrong(place, key, "no text");
    *value = strdup(item->valuestring);
    return *value ? NULL : status_no_memory("pack.json", strlen(item->valuestring) + 1);
}

static Status get_hexadecimal(const Place *place, const char *key, int count, uint8_t *bytes) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, key);
    if (!cJSON_IsString(item) || !digest_from_hex(item->valuestring, count, bytes))
        return wrong(place, key, "not hexadecimal, or not as long as it should be");
    return NULL;
}

static Status get_list(const Place *place, const char *key, const cJSON **list) {
    *list = cJSON_GetObjectItemCaseSensitive(place->object, key);
    return cJSON_IsArray(*list) ? NULL : wrong(place, key, "no list");
}

static Status read_shard(const char *path, const cJSON *object, PackShardEntry *shard) {
    const Place place = {path, object};
    uint8_t tables[8], sha256[DIGEST_SHA256];
    int64_t bytes, offset;
    TRY(get_text(&place, "file", &shard->file));
    if (!*shard->file || *shard->file == '.' || strchr(shard->file, '/'))
        return wrong(&place, "file", "not the name of a file below shards/");
    TRY(get_integer(&place, "records", 1, LARGEST_INTEGER, &shard->records));
    TRY(get_integer(&place, "bytes", 1, LARGEST_INTEGER, &bytes));
    TRY(get_integer(&place, "offset", 1, LARGEST_INTEGER, &offset));
    TRY(get_hexadecimal(&place, "tables", sizeof tables, tables));
    TRY(get_hexadecimal(&place, "sha256", sizeof sha256, sha256));
    shard->bytes = (uint64_t)bytes;
    shard->offset = (uint64_t)offset;
    for (int i = 0; i < 8; i++)
        shard->tables = shard->tables << 8 | tables[i];
    digest_to_hex(sha256, DIGEST_SHA256, shard->sha256);
    return NULL;
}

static Status read_shards(const Place *place, PackManifest *manifest) {
    const cJSON *list, *item;
    TRY(get_list(place, "shards", &list));
    int count = cJSON_GetArraySize(list);
    if (count < 1)
        return wrong(place, "shards", "none");
    manifest->shards = calloc((size_t)count, sizeof *manifest->shards);
    if (!manifest->shards)
        return status_no_memory("pack.json", (unsigned long long)count * sizeof *manifest->shards);
    cJSON_ArrayForEach(item, list) {
        PackShardEntry *shard = &manifest->shards[manifest->shard_count++];
        TRY(read_shard(place->path, item, shard));
        for (int i = 0; i < manifest->shard_count - 1; i++)
            if (strcmp(manifest->shards[i].file, shard->file) == 0)
                return wrong(place, shard->file, "listed twice");
        if (__builtin_add_overflow(manifest->records, shard->records, &manifest->records))
            return wrong(place, "records", "more than can be");
    }
    int64_t records;
    TRY(get_integer(place, "records", 1, LARGEST_INTEGER, &records));
    return records == manifest->records ? NULL : wrong(place, "records", "not the sum of the shards'");
}

static Status read_labels(const Place *place, PackInfo *info) {
    const cJSON *list, *item;
    TRY(get_list(place, "labels", &list));
    info->label_names = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *info->label_names);
    if (!info->label_names)
        return status_no_memory("pack.json", 0);
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return wrong(place, "labels", "a name that is no text");
        info->label_names[info->label_count] = strdup(item->valuestring);
        if (!info->label_names[info->label_count++])
            return status_no_memory("pack.json", 0);
    }
    return NULL;
}

static Status check_format(const Place *place) {
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(place->object, "format");
    int64_t version;
    if (!cJSON_IsString(format) || strcmp(format->valuestring, PACK_FORMAT) != 0)
        return status_error(EXIT_DATA, "%s: not a pack's: its format is not \"" PACK_FORMAT "\"", place->path);
    TRY(get_integer(place, "version", 1, LARGEST_INTEGER, &version));
    if (version > PACK_VERSION)
        return status_error(EXIT_DATA, "%s: made by a newer fovea (pack version %lld, this one reads %d); update fovea",
                            place->path, (long long)version, PACK_VERSION);
    return NULL;
}

static Status read_all(const Place *place, PackManifest *manifest) {
    int64_t side;
    TRY(check_format(place));
    TRY(get_text(place, "dataset", &manifest->info.dataset));
    TRY(get_text(place, "dataset_version", &manifest->info.dataset_version));
    TRY(get_integer(place, "image_size", 1, LARGEST_SIDE, &side));
    manifest->info.image_size = (int)side;
    const cJSON *licensed = cJSON_GetObjectItemCaseSensitive(place->object, "licensed");
    if (!cJSON_IsBool(licensed))
        return wrong(place, "licensed", "neither true nor false");
    manifest->info.licensed = cJSON_IsTrue(licensed);
    TRY(read_labels(place, &manifest->info));
    return read_shards(place, manifest);
}

/* `cause`: errno of looking for pack.json. */
static Status not_there(const char *directory, int cause) {
    if (cause != ENOENT && cause != ENOTDIR)
        return status_error(EXIT_DATA, "%s: cannot be looked at: %s; packs are for their owner and his group",
                            directory, strerror(cause));
    if (pack_is(directory))
        return status_error(
            EXIT_DATA, "%s: an unfinished pack, without pack.json; run the same ./stage again to finish it", directory);
    return status_error(EXIT_DATA, "%s: no pack: it holds no pack.json", directory);
}

Status pack_manifest_read(const char *directory, PackManifest *manifest) {
    *manifest = (PackManifest){0};
    char *path = files_path("%s/pack.json", directory), *text = NULL;
    size_t size;
    if (!path)
        return status_no_memory("a path", strlen(directory));
    struct stat st;
    Status status = stat(path, &st) == 0 ? files_read(path, &text, &size) : not_there(directory, errno);
    cJSON *object = status ? NULL : cJSON_ParseWithLength(text, size);
    if (!status && !cJSON_IsObject(object))
        status = status_error(EXIT_DATA, "%s: no JSON object: damaged; restore it from a copy, or stage again", path);
    if (!status)
        status = read_all(&(Place){path, object}, manifest);
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
