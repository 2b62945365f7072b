/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/files.h"
#include "base/utf8.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_open(Json *json, FILE *out) {
    *json = (Json){.out = out, .in_memory = !out};
    if (!out)
        json->out = open_memstream(&json->text, &json->size);
}

/* The level of the innermost object or array. Nothing nests deeper than `levels` is long, but a bug must not write past
 * its end. */
static JsonLevel *top_level(Json *json) {
    return &json->levels[(json->depth < JSON_DEPTH ? json->depth : JSON_DEPTH) - 1];
}

static bool is_cjsons(JsonLayout layout) {
    return layout == JSON_COMPACT || layout == JSON_TABS;
}

/* cJSON has short escapes, and copies bytes that it has no escape for. */
static void put_escaped(FILE *out, const char *text, bool as_cjson) {
    static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt";
    fputc('"', out);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t length = utf8_length((const char *)s);
        const char *control = as_cjson ? strchr(controls, *s) : NULL;
        if (length == 0 && !as_cjson) {
            fputs("\\ufffd", out);
            length = 1;
        } else if (*s == '"' || *s == '\\') {
            fprintf(out, "\\%c", *s);
        } else if (control) {
            fprintf(out, "\\%c", letters[control - controls]);
        } else if (*s < 0x20 || (*s == 0x7f && !as_cjson)) {
            fprintf(out, "\\u%04x", *s);
        } else {
            length = length ? length : 1;
            fwrite(s, 1, length, out);
        }
        s += length;
    }
    fputc('"', out);
}

static void put_indent(FILE *out, JsonLayout layout, int levels) {
    fputc('\n', out);
    for (int i = 0; i < levels; i++)
        fputs(layout == JSON_TABS ? "\t" : "  ", out);
}

/* Writes what precedes a value: comma, line end, indentation and key. False without a stream. */
static bool put_key(Json *json, const char *key) {
    if (!json->out)
        return false;
    if (!json->depth)
        return true;
    JsonLevel *level = top_level(json);
    const JsonLayout layout = level->layout;
    const bool lines = layout == JSON_INDENT || layout == JSON_HANGING || (layout == JSON_TABS && key);
    if (level->any)
        fputs(layout == JSON_COMPACT || lines ? "," : ", ", json->out);
    if (lines)
        put_indent(json->out, layout, json->depth);
    level->any = true;
    if (!key)
        return true;
    put_escaped(json->out, key, is_cjsons(layout));
    fputs(layout == JSON_COMPACT ? ":" : layout == JSON_TABS ? ":\t" : ": ", json->out);
    return true;
}

static void begin_level(Json *json, const char *key, JsonLayout layout, const char brackets[2]) {
    if (!put_key(json, key))
        return;
    fputc(brackets[0], json->out);
    json->depth++;
    *top_level(json) = (JsonLevel){.layout = layout, .end = brackets[1]};
}

void json_object(Json *json, const char *key, JsonLayout layout) {
    begin_level(json, key, layout, "{}");
}

void json_array(Json *json, const char *key, JsonLayout layout) {
    begin_level(json, key, layout, "[]");
}

void json_end(Json *json) {
    if (!json->out || !json->depth)
        return;
    const JsonLevel level = *top_level(json);
    json->depth--;
    if (level.layout == JSON_INDENT || (level.layout == JSON_TABS && level.end == '}'))
        put_indent(json->out, level.layout, json->depth);
    fputc(level.end, json->out);
}

void json_string(Json *json, const char *key, const char *value) {
    if (put_key(json, key))
        put_escaped(json->out, value, json->depth && is_cjsons(top_level(json)->layout));
}

void json_integer(Json *json, const char *key, int64_t value) {
    if (put_key(json, key))
        fprintf(json->out, "%" PRId64, value);
}

void json_unsigned(Json *json, const char *key, uint64_t value) {
    if (put_key(json, key))
        fprintf(json->out, "%" PRIu64, value);
}

static void put_number(Json *json, const char *key, double value, int digits) {
    if (!isfinite(value))
        json_null(json, key);
    else if (put_key(json, key))
        fprintf(json->out, "%.*g", digits, value);
}

void json_real(Json *json, const char *key, double value) {
    put_number(json, key, value, 9);
}

void json_double(Json *json, const char *key, double value) {
    put_number(json, key, value, 17);
}

void json_hash(Json *json, const char *key, uint64_t value) {
    if (put_key(json, key))
        fprintf(json->out, "\"%016" PRIx64 "\"", value);
}

void json_bool(Json *json, const char *key, bool value) {
    json_verbatim(json, key, value ? "true" : "false");
}

void json_null(Json *json, const char *key) {
    json_verbatim(json, key, "null");
}

void json_verbatim(Json *json, const char *key, const char *value) {
    if (put_key(json, key))
        fputs(value, json->out);
}

/* 15 digits where they read back as the same value, otherwise 17. */
static void copy_number(Json *json, const char *key, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.15g", value);
    const double read = strtod(text, NULL);
    if (fabs(read - value) > fmax(fabs(read), fabs(value)) * DBL_EPSILON)
        snprintf(text, sizeof text, "%.17g", value);
    json_verbatim(json, key, isfinite(value) ? text : "null");
}

void json_copy(Json *json, const char *key, const cJSON *value) {
    const bool list = cJSON_IsArray(value);
    if (json->depth < JSON_DEPTH && (list || cJSON_IsObject(value))) {
        const cJSON *item;
        begin_level(json, key, JSON_COMPACT, list ? "[]" : "{}");
        cJSON_ArrayForEach(item, value) json_copy(json, list ? NULL : item->string, item);
        json_end(json);
    } else if (cJSON_IsString(value)) {
        json_string(json, key, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        copy_number(json, key, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        json_bool(json, key, cJSON_IsTrue(value));
    } else {
        json_null(json, key);
    }
}

void json_newline(Json *json) {
    if (json->out)
        fputc('\n', json->out);
}

Status json_close(Json *json, const char *what, char **text, size_t *size) {
    const bool open = json->out && fclose(json->out) == 0;
    *text = json->text;
    *size = json->size;
    *json = (Json){0};
    if (open && *text)
        return NULL;
    free(*text);
    *text = NULL;
    return status_no_memory(what, 4096);
}

Status json_write(Json *json, const char *path) {
    char *text;
    size_t size;
    TRY(json_close(json, path, &text, &size));
    Status status = files_write(path, text, size);
    free(text);
    return status;
}
