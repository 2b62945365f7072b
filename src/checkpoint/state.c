/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/state.h"
#include "base/json.h"

#include <cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { INTEGER, HASH, REAL } FieldType;

typedef struct {
    const char *key;
    FieldType type;
    size_t offset; /* in TrainState; all fields are 8 bytes */
} Field;

static const Field fields[] = {
    {"step", INTEGER, offsetof(TrainState, step)},
    {"next_batch", INTEGER, offsetof(TrainState, next_batch)},
    {"config_hash", HASH, offsetof(TrainState, config_hash)},
    {"data_hash", HASH, offsetof(TrainState, data_hash)},
    {"data_count", INTEGER, offsetof(TrainState, data_count)},
    {"val_loss", REAL, offsetof(TrainState, val_loss)},
    {"best_val_loss", REAL, offsetof(TrainState, best_val_loss)},
    {"best_step", INTEGER, offsetof(TrainState, best_step)},
    {"loss_mean", REAL, offsetof(TrainState, loss_mean)},
    {"guard_events", INTEGER, offsetof(TrainState, guard_events)},
    {"val_metric", REAL, offsetof(TrainState, val_metric)},
    {"best_val_metric", REAL, offsetof(TrainState, best_val_metric)},
};
/* The last ones are there together, or not at all: has_metric says which. */
enum { FIELDS = sizeof fields / sizeof *fields, METRIC_FIELDS = 2 };

_Static_assert(sizeof(TrainState) == (FIELDS + 1) * 8, "a field of TrainState is not in the table");

/* Numbers in JSON are read as doubles: beyond this an integer would not read back the same. */
static const double largest_integer = 9007199254740992.0;

/* Reads back bit for bit. */
static void print_real(Json *json, const char *key, double real) {
    char text[32];
    if (isinf(real)) /* JSON has no infinity, but a number that overflows into it */
        snprintf(text, sizeof text, real > 0 ? "1e999" : "-1e999");
    else
        snprintf(text, sizeof text, isnan(real) ? "null" : "%.17g", real);
    json_verbatim(json, key, text);
}

static void print_field(Json *json, const Field *field, const void *value) {
    int64_t integer;
    uint64_t hash;
    double real;
    switch (field->type) {
    case INTEGER:
        memcpy(&integer, value, sizeof integer);
        json_integer(json, field->key, integer);
        return;
    case HASH:
        memcpy(&hash, value, sizeof hash);
        json_hash(json, field->key, hash);
        return;
    case REAL:
        memcpy(&real, value, sizeof real);
        print_real(json, field->key, real);
        return;
    }
}

Status checkpoint_state_print(const TrainState *state, char **text) {
    Json json;
    size_t size;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_TABS);
    for (int i = 0; i < FIELDS - (state->has_metric ? 0 : METRIC_FIELDS); i++)
        print_field(&json, &fields[i], (const char *)state + fields[i].offset);
    json_end(&json);
    json_newline(&json);
    return json_close(&json, "a checkpoint's state", text, &size);
}

static bool parse_field(const Field *field, const cJSON *item, void *value) {
    int64_t integer;
    uint64_t hash;
    double real;
    char *end;
    switch (field->type) {
    case INTEGER:
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= largest_integer) ||
            item->valuedouble != floor(item->valuedouble))
            return false;
        integer = (int64_t)item->valuedouble;
        memcpy(value, &integer, sizeof integer);
        return true;
    case HASH:
        if (!cJSON_IsString(item) || strlen(item->valuestring) != 16)
            return false;
        hash = strtoull(item->valuestring, &end, 16);
        memcpy(value, &hash, sizeof hash);
        return !*end;
    case REAL:
        if (!cJSON_IsNumber(item) && !cJSON_IsNull(item))
            return false;
        real = cJSON_IsNull(item) ? (double)NAN : item->valuedouble;
        memcpy(value, &real, sizeof real);
        return true;
    }
    return false;
}

Status checkpoint_state_parse(const char *text, const char *path, TrainState *state) {
    cJSON *object = cJSON_Parse(text);
    Status status = NULL;
    if (!cJSON_IsObject(object))
        status = status_error(EXIT_DATA, "%s: not a JSON object", path);
    state->has_metric = cJSON_HasObjectItem(object, "val_metric");
    state->val_metric = state->best_val_metric = NAN;
    for (int i = 0; !status && i < FIELDS - (state->has_metric ? 0 : METRIC_FIELDS); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, fields[i].key);
        if (!item)
            status = status_error(EXIT_DATA, "%s: \"%s\" is missing", path, fields[i].key);
        else if (!parse_field(&fields[i], item, (char *)state + fields[i].offset))
            status = status_error(EXIT_DATA, "%s: \"%s\" has a wrong value", path, fields[i].key);
    }
    cJSON_Delete(object);
    return status;
}
