/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/pickle_value.h"

#include <string.h>

bool value_is_text(const Value *value, const char *text) {
    return value->kind == VALUE_TEXT && value->count == strlen(text) && memcmp(value->text, text, value->count) == 0;
}

bool value_is_global(const Value *value, const char *module, const char *name) {
    return value->kind == VALUE_GLOBAL && strcmp(value->global.module, module) == 0 &&
           strcmp(value->global.name, name) == 0;
}

bool value_is_call(const Value *value, const char *module, const char *name, uint32_t arguments) {
    return value->kind == VALUE_CALL && value_is_global(value->pair[0], module, name) &&
           value->pair[1]->count >= arguments;
}

const Value *value_find(const Value *dictionary, const char *key) {
    for (uint32_t i = 0; i + 1 < dictionary->count; i += 2)
        if (value_is_text(dictionary->list.items[i], key))
            return dictionary->list.items[i + 1];
    return NULL;
}
