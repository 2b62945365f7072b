/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys, shared by the files that read, check and print a configuration. */
#ifndef FOVEA_BASE_CONFIG_TABLE_H
#define FOVEA_BASE_CONFIG_TABLE_H

#include "base/config.h"
#include <stddef.h>

typedef enum { KEY_INTEGER, KEY_REAL, KEY_SWITCH, KEY_CHOICE, KEY_TEXT } KeyType;

typedef struct {
    const char *section, *name;
    KeyType type;
    size_t offset;             /* into Config: an int64_t, double, bool, enum or char[CONFIG_TEXT] */
    double min, max;           /* both allowed; integers and reals */
    double fallback;           /* the default of what is no text; texts are empty by default */
    const char *const *choice; /* names of an enum's values from 0, NULL at the end */
    bool by_preset;            /* without a value of its own it takes the preset's; 0 stands for that while reading */
    const char *unit, *help;
    bool automatic; /* an integer that takes `auto`, too: CONFIG_AUTO */
} ConfigKey;

typedef struct {
    char text[32];
} RealText;

enum { CONFIG_KEY_LENGTH = 40 }; /* room for "section.name" and its NUL; longer names are unknown anyway */

extern const ConfigKey config_keys[];
extern const int config_key_count;

/* The key called section.name; NULL: none. */
const ConfigKey *config_key_find(const char *section, const char *name);
/* The key whose "section.name", or whose name alone, is fewest edits away from `text`, or holds it. */
const ConfigKey *config_key_nearest(const char *text);
const char *config_section_nearest(const char *text);

/* Longest text value of a key: its line in a file has to stay within the 200 bytes that inih reads. */
int config_key_text_limit(const ConfigKey *key);
/* "integer", "4 to 16384": what a key takes; the range is printed into `text`. */
const char *config_key_type(const ConfigKey *key);
void config_key_range(const ConfigKey *key, char *text, size_t size);
/* A real with as many digits, from 15 to 17, as it takes to read back as the same double. */
RealText config_real_text(double value);

/* Every key at its default. */
void config_defaults(Config *config);
/* Keys still open take the preset's value. */
void config_fill_preset(Config *config);
/* One key from text. EXIT_USAGE opening with `where` (file:line, or the argument). */
Status config_set(Config *config, const ConfigKey *key, const char *value, const char *where) MUST_USE;
/* The keys in the INI file at `path`. */
Status config_read(Config *config, const char *path) MUST_USE;
/* What keys demand of each other. Messages open with `path`. */
Status config_check(const Config *config, const char *path) MUST_USE;
/* "WHERE: no key KEY" with the nearest one. */
Status config_unknown_key(const char *where, const char *key) MUST_USE;

#endif
