/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of configuration keys. A program declares a struct for its values and a ConfigTable that describes each key
 * (type, range, default, unit, help); base/config.h reads, prints, hashes and explains it.
 *
 *   [section]                   one row for each key of a fixed name
 *   [gpus]                      a row whose name is "*": any key name, kept in file order as ConfigEntries
 *   [service.brain]             a named section (ConfigNamed): each NAME has its own values of a table of its own
 *   key = value ; comment       a ';' after a blank starts a comment; a line that starts with ';' or '#' is one
 *
 * Values: integers, reals, on | off, choices, texts (up to one byte less than their field), sizes (8G) and durations
 * (90, 90m, 2h; both base/quantity.h), each also as a list separated by commas. */
#ifndef FOVEA_BASE_CONFIG_TABLE_H
#define FOVEA_BASE_CONFIG_TABLE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a text with its NUL: any path fits (PATH_MAX), and any list of paths that Linux takes as one argument. */
enum { CONFIG_TEXT = 4096, CONFIG_PATHS = 131072 };
enum { CONFIG_AUTO = -1 }; /* the value `auto` of an integer that allows it */

typedef enum {
    CONFIG_INTEGER,  /* int64_t */
    CONFIG_REAL,     /* double */
    CONFIG_SWITCH,   /* bool: on | off */
    CONFIG_CHOICE,   /* an enum */
    CONFIG_STRING,   /* ConfigText; ConfigPaths where the row says so */
    CONFIG_SIZE,     /* int64_t, bytes */
    CONFIG_DURATION, /* double, seconds */
} ConfigType;

typedef char ConfigText[CONFIG_TEXT];
typedef char ConfigPaths[CONFIG_PATHS];

/* An enumerator and its name in files. Rows end with a NULL name. */
typedef struct {
    const char *name;
    int value;
} ConfigChoice;

/* One value of any type: `integer` holds sizes too, `real` durations. */
typedef union {
    int64_t integer;
    double real;
    bool on;
    int choice;
    char *text; /* malloc'ed */
} ConfigValue;

typedef struct {
    ConfigValue *values;
    int count;
    int64_t capacity;
} ConfigList;

/* A key whose name the file chose. Without `list` in its row it has one value. */
typedef struct {
    char *name;
    ConfigList list;
    int line; /* of the file; 0: from an override */
} ConfigEntry;

typedef struct {
    ConfigEntry *entries;
    int count;
    int64_t capacity;
} ConfigEntries;

/* A section [prefix.NAME]. */
typedef struct {
    char *name;   /* NAME */
    void *values; /* the struct of its ConfigNamed's table */
    int line;
} ConfigSection;

typedef struct {
    ConfigSection *sections;
    int count;
    int64_t capacity;
} ConfigSections;

typedef struct {
    const char *section, *name; /* name "*": any name */
    ConfigType type;
    /* Into the table's struct: a value of the type; with `list` a ConfigList; with the name "*" ConfigEntries. */
    size_t offset;
    double min, max;             /* both allowed; integers, reals, sizes, durations */
    double fallback;             /* default of everything but texts and lists */
    const char *text;            /* default of a text or list as in a file; NULL: empty */
    const ConfigChoice *choices; /* of a choice */
    const char *derived;         /* what sets the key when it is not given ("by the preset"); 0 means not given */
    bool list;
    bool automatic; /* an integer that also allows `auto`: CONFIG_AUTO */
    bool unhashed;  /* left out of config_hash() */
    bool neutral;   /* changes no result: speed, memory, what is recorded, where things are */
    bool paths;     /* a text that is ConfigPaths */
    const char *unit, *help;
} ConfigKey;

/* A renamed key, both as "section.name". The old name still works, with a warning. */
typedef struct {
    const char *old, *new;
} ConfigAlias;

typedef struct ConfigTable ConfigTable;

/* Sections [prefix.NAME]: `offset` of a ConfigSections. The rows of `table` have the section `prefix`. */
typedef struct {
    const char *prefix;
    const ConfigTable *table;
    size_t offset;
} ConfigNamed;

struct ConfigTable {
    size_t size; /* of the struct of values */
    const ConfigKey *keys;
    int key_count;
    const ConfigNamed *named;
    int named_count;
    const ConfigAlias *aliases;
    int alias_count;
    const char *help_command; /* "./train --help", for messages */
    /* After reading: fills what depends on other keys, then checks keys against each other (EXIT_USAGE, messages start
     * with `path`). Both may be NULL. */
    void (*complete)(void *values);
    Status (*check)(const void *values, const char *path);
};

/* For tables: the offset of a field, which the compiler checks to be of the row's type. */
#define CONFIG_AT(Struct, field, Type) (offsetof(Struct, field) + 0 * sizeof(&((Struct *)0)->field == (Type *)0))
#define CONFIG_CHOICE_AT(Struct, field)                                                                                \
    (offsetof(Struct, field) + 0 * sizeof(char[sizeof((Struct *)0)->field == sizeof(int) ? 1 : -1]))

#endif
