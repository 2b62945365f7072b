/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status read_number(const char *text, size_t length, const char *what, int64_t *number) {
    char word[24];
    char *end = word;
    if (length > 0 && length < sizeof word) {
        memcpy(word, text, length);
        word[length] = '\0';
        errno = 0;
        *number = strtoll(word, &end, 10);
    }
    if (end != word && !*end && errno == 0 && *number >= 0 && text[0] >= '0' && text[0] <= '9')
        return NULL;
    return status_error(EXIT_USAGE, "'%.*s' is no %s", length < 40 ? (int)length : 40, text, what);
}

Status arguments_number(const char *word, const char *what, int64_t *number) {
    return read_number(word, strlen(word), what, number);
}

Status arguments_next_number(const char **at, const char *what, int64_t *number) {
    const size_t length = strcspn(*at, ",");
    TRY(read_number(*at, length, what, number));
    *at = (*at)[length] ? *at + length + 1 : NULL;
    return NULL;
}

Status arguments_end(Json *json, cJSON **arguments) {
    char *text;
    size_t size;
    *arguments = NULL;
    json_end(json);
    TRY(json_close(json, "a call", &text, &size));
    *arguments = cJSON_Parse(text);
    free(text);
    return *arguments ? NULL : status_no_memory("a call", size);
}

Status arguments_of_number(const char *name, int64_t number, cJSON **arguments) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_integer(&json, name, number);
    return arguments_end(&json, arguments);
}
