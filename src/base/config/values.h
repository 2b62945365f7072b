/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a table: defaults, setting one key from text, named sections, freeing. */
#ifndef FOVEA_BASE_CONFIG_VALUES_H
#define FOVEA_BASE_CONFIG_VALUES_H

#include "base/config/keys.h"

/* Every key at its default; keys of any name and named sections are empty. */
Status config_defaults(const ConfigTable *table, void *values) MUST_USE;
/* One key from text; `line` of the file, 0 for an override. EXIT_USAGE starting with `where` (file:line, or the
 * argument). A list and a key of any name are replaced, a missing named section is added. */
Status config_set(const ConfigTable *table, void *values, const ConfigFound *found, const char *text, const char *where,
                  int line) MUST_USE;
/* The section [prefix.NAME], added with its defaults unless it is there. */
Status config_add_section(const ConfigNamed *named, void *values, const char *name, const char *where, int line,
                          ConfigSection **section) MUST_USE;
void config_free_values(const ConfigTable *table, void *values);

#endif
