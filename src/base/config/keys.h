/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up keys in a table: by name, by nearest name, and what a key accepts. */
#ifndef FOVEA_BASE_CONFIG_KEYS_H
#define FOVEA_BASE_CONFIG_KEYS_H

#include "base/config_table.h"

enum { CONFIG_NAME = 256 }; /* bytes of "section.key" with its NUL; longer ones are unknown */

/* The key of a table that a name in a file or an override means. */
typedef struct {
    const ConfigKey *key;
    const ConfigNamed *named;  /* the kind of section it is in; NULL: one of the table's own */
    char section[CONFIG_NAME]; /* NAME of a [prefix.NAME] */
    char full[CONFIG_NAME];    /* "section.key" under its present name */
    const char *any_name;      /* within `full`: the name of a "*" key; NULL for others */
    bool renamed;              /* the name is its old one */
} ConfigFound;

/* Whether the key has the name "*". */
bool config_any_name(const ConfigKey *key);
/* Whether there is a key `full` ("section.key"). */
bool config_find(const ConfigTable *table, const char *full, ConfigFound *found);
/* Whether there is a section of that name; *named and *name when it is one of a named kind. */
bool config_find_section(const ConfigTable *table, const char *section, const ConfigNamed **named, const char **name);

/* "WHERE: unknown key KEY" with the nearest one: its "section.key" or its name alone is the fewest edits away, or
 * contains KEY. */
Status config_unknown_key(const ConfigTable *table, const char *where, const char *key) MUST_USE;
Status config_unknown_section(const ConfigTable *table, const char *where, const char *section) MUST_USE;
/* A section to name when a key is outside any: that of the nearest key. */
const char *config_likely_section(const ConfigTable *table, const char *key);

/* "model.dim", "gpus.*", "service.NAME.command": a row's name in help texts. */
void config_key_title(const ConfigTable *table, const ConfigKey *key, char title[CONFIG_NAME]);
/* "integer", "reals", ...; the range, as "4 to 16384", goes to `text`. */
const char *config_key_type(const ConfigKey *key);
void config_key_range(const ConfigKey *key, char *text, size_t size);

/* The i-th row of the table, then of its named sections' tables; NULL after the last. */
const ConfigKey *config_row(const ConfigTable *table, int i);

#endif
