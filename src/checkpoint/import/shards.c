/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/shards.h"
#include "base/files.h"
#include "base/list.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_MAX = 1 << 20 }; /* bytes; JSON takes 30 times as many in memory */

static bool is_plain_name(const char *name) {
    return *name && *name != '.' && !strchr(name, '/');
}

static Status add_shard(const char *index, const char *name, Shards *shards, int64_t *capacity) {
    char *path;
    const char *slash = strrchr(index, '/');
    if (!is_plain_name(name))
        return status_error(EXIT_DATA, "%s: names the shard \"%s\", which is not in its own folder", index, name);
    TRY(files_path(&path, "%.*s%s", slash ? (int)(slash + 1 - index) : 0, index, name));
    Status status = NULL;
    bool known = false;
    for (int i = 0; i < shards->count && !known; i++)
        known = strcmp(shards->paths[i], path) == 0;
    if (!known)
        status = list_grow(&shards->paths, shards->count, capacity, sizeof *shards->paths, "a list of shards");
    if (known || status)
        free(path);
    else
        shards->paths[shards->count++] = path;
    return status;
}

static Status read_map(const char *index, const cJSON *map, Shards *shards) {
    const cJSON *item;
    int64_t capacity = 0;
    if (!cJSON_IsObject(map))
        return status_error(EXIT_DATA, "%s: no index of shards: it has no weight_map", index);
    cJSON_ArrayForEach(item, map) {
        if (!cJSON_IsString(item))
            return status_error(EXIT_DATA, "%s: its weight_map gives no file for \"%s\"", index, item->string);
        TRY(add_shard(index, item->valuestring, shards, &capacity));
        shards->tensors++;
    }
    return NULL;
}

Status shards_read(const char *index, Shards *shards) {
    char *text;
    size_t size;
    *shards = (Shards){0};
    if (files_size(index) > INDEX_MAX)
        return status_error(EXIT_DATA, "%s: no index of shards: it is larger than %d MiB", index, INDEX_MAX >> 20);
    TRY(files_read(index, &text, &size));
    cJSON *json = cJSON_ParseWithLength(text, size);
    Status status = read_map(index, json ? cJSON_GetObjectItemCaseSensitive(json, "weight_map") : NULL, shards);
    cJSON_Delete(json);
    free(text);
    if (status)
        shards_free(shards);
    return status;
}

void shards_free(Shards *shards) {
    for (int i = 0; i < shards->count; i++)
        free(shards->paths[i]);
    free(shards->paths);
    *shards = (Shards){0};
}
