/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer of JSON: values in the order in which they are given, to a stream or to memory. Reading is cJSON's.
 *
 *     Json json;
 *     json_open(&json, NULL);
 *     json_object(&json, NULL, JSON_LINE);
 *     json_integer(&json, "step", 12);
 *     json_end(&json);
 *     Status status = json_write(&json, path);
 *
 * `key` is NULL for the outermost value and for the items of an array. No call on the way can fail: json_close()
 * or json_write(), one of which must be called, reports a lack of memory. */
#ifndef FOVEA_BASE_JSON_H
#define FOVEA_BASE_JSON_H

#include "base/status.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How an object or array is laid out. Files that cJSON once printed keep its two layouts, and with them its escapes. */
typedef enum {
    JSON_LINE,    /* {"a": 1, "b": 2} */
    JSON_INDENT,  /* a member a line, two spaces a level; the closing bracket on a line of its own */
    JSON_HANGING, /* as JSON_INDENT, the closing bracket right after the last member */
    JSON_COMPACT, /* {"a":1,"b":2}, cJSON's without format */
    JSON_TABS     /* cJSON's with format: members of objects on lines, tabs after colons, arrays on one line */
} JsonLayout;

enum { JSON_DEPTH = 16 }; /* objects and arrays within each other */

typedef struct {
    JsonLayout layout;
    char end; /* the closing bracket */
    bool any; /* something is in it */
} JsonLevel;

typedef struct {
    FILE *out;
    char *text; /* of a writer to memory, once it is closed */
    size_t size;
    bool in_memory;
    int depth;
    JsonLevel levels[JSON_DEPTH];
} Json;

/* Starts a text on `out`, which stays the caller's, or in memory (NULL). */
void json_open(Json *json, FILE *out);

void json_object(Json *json, const char *key, JsonLayout layout);
void json_array(Json *json, const char *key, JsonLayout layout);
/* Ends the innermost object or array. */
void json_end(Json *json);

/* Bytes that are not UTF-8 (a file's name may contain any) become U+FFFD, except in cJSON's layouts. */
void json_string(Json *json, const char *key, const char *value);
void json_integer(Json *json, const char *key, int64_t value);
void json_unsigned(Json *json, const char *key, uint64_t value);
/* Nine digits, enough to restore a float; null for a value that is not finite, which JSON cannot express. */
void json_real(Json *json, const char *key, double value);
/* The same with 17 digits, enough to restore a double. */
void json_double(Json *json, const char *key, double value);
/* 16 hexadecimal digits as text: JSON's numbers cannot hold 64 bits. */
void json_hash(Json *json, const char *key, uint64_t value);
void json_bool(Json *json, const char *key, bool value);
void json_null(Json *json, const char *key);
/* `value` is JSON already. */
void json_verbatim(Json *json, const char *key, const char *value);
/* A value that was read, printed as cJSON prints it; null for what is nested deeper than JSON_DEPTH. */
void json_copy(Json *json, const char *key, const cJSON *value);
/* Ends a line, after the outermost value. */
void json_newline(Json *json);

/* The text that was written to memory; the caller's. EXIT_NO_MEMORY; `what` names the text in the message. */
Status json_close(Json *json, const char *what, char **text, size_t *size) MUST_USE;
/* Writes it to a file with files_write(), which is atomic. */
Status json_write(Json *json, const char *path) MUST_USE;

#endif
