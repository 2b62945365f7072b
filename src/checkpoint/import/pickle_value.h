/* SPDX-License-Identifier: Apache-2.0 */
/* What a pickle contains. */
#ifndef FOVEA_CHECKPOINT_IMPORT_PICKLE_VALUE_H
#define FOVEA_CHECKPOINT_IMPORT_PICKLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_TEXT, /* and bytes */
    VALUE_TUPLE,
    VALUE_LIST,       /* and sets */
    VALUE_DICTIONARY, /* and collections.OrderedDict */
    VALUE_GLOBAL,     /* a class or function, by its name */
    VALUE_CALL,       /* of a global: pair[0], with the arguments pair[1] */
    VALUE_PERSISTENT  /* pair[0] is what stands for an object outside the pickle: a tensor's storage */
} ValueKind;

typedef struct Value Value;
struct Value {
    ValueKind kind;
    uint32_t count; /* of items (in a dictionary keys and values in turn) or of bytes */
    union {
        int64_t integer; /* also of a bool */
        double real;
        const char *text; /* within the pickle, without a NUL */
        struct {
            Value **items;
            uint32_t capacity;
        } list;
        struct {
            const char *module, *name; /* with NULs */
        } global;
        Value *pair[2];
    };
};

typedef struct {
    unsigned char *memory;
    size_t used, size;
    Value *root;
} Pickle;

bool value_is_text(const Value *value, const char *text);
bool value_is_global(const Value *value, const char *module, const char *name);
/* Whether it is a call of that function with at least `arguments` arguments. */
bool value_is_call(const Value *value, const char *module, const char *name, uint32_t arguments);
/* The value of the text `key` in a dictionary; NULL: none. */
const Value *value_find(const Value *dictionary, const char *key);

#endif
