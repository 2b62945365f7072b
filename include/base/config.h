/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of any table: read, overridden by "section.key=value", printed, hashed, explained. */
#ifndef FOVEA_BASE_CONFIG_H
#define FOVEA_BASE_CONFIG_H

#include "base/config_table.h"
#include <stdio.h>

/* Reads `path`, then applies `sets` ("section.key=value", later ones win), completes and checks. Warns on
 * `warnings` (NULL: nowhere) of each old name of a renamed key. EXIT_USAGE naming file, line, key and the nearest known
 * key: for a missing file, an unknown or duplicate key or section, a wrong type, a value out of range, a continuation
 * line. On success the caller calls config_free(), which tables without lists, "*" keys and named sections do not need.
 */
Status config_load(const ConfigTable *table, void *values, const char *path, char *const *sets, int set_count,
                   FILE *warnings) MUST_USE;
/* The same of a text, which `path` names in messages. */
Status config_parse(const ConfigTable *table, void *values, const char *text, const char *path,
                    FILE *warnings) MUST_USE;
void config_free(const ConfigTable *table, void *values);
/* The line on which a text that was read without a failure sets a key; 0: it does not, or memory is short. For messages
 * of checks that follow. */
int config_line(const char *text, const char *section, const char *key);

/* The resolved configuration as INI, every key in table order: config_load() of it gives the same again. */
void config_print(const ConfigTable *table, const void *values, FILE *out);
/* The same as a malloc'ed text. */
Status config_text(const ConfigTable *table, const void *values, char **text) MUST_USE;
/* XXH3 of that text without the keys that are `unhashed`. */
Status config_hash(const ConfigTable *table, const void *values, uint64_t *hash) MUST_USE;
/* The same without the keys that are `neutral`, too. */
Status config_hash_results(const ConfigTable *table, const void *values, uint64_t *hash) MUST_USE;

/* Explains one key (type, range, default, unit, meaning), the keys of a section, or all when `name` is NULL. EXIT_USAGE
 * with the nearest key when there is no such key. */
Status config_help(const ConfigTable *table, const char *name, FILE *out) MUST_USE;

/* The name in files of a choice's value: config_choice_name(&table, "train.precision", PRECISION_BF16) is "bf16". */
const char *config_choice_name(const ConfigTable *table, const char *key, int value);

#endif
