/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a file and of overrides, set in a table's values. */
#ifndef FOVEA_BASE_CONFIG_READ_H
#define FOVEA_BASE_CONFIG_READ_H

#include "base/config_table.h"
#include <stdio.h>

/* Every section and key of the INI file at `path`, each at most once; of `text` unless that is NULL. */
Status config_read(const ConfigTable *table, void *values, const char *path, const char *text, FILE *warnings) MUST_USE;
/* "section.key=value"; blanks around the parts are dropped, as in a file. */
Status config_override(const ConfigTable *table, void *values, const char *argument, FILE *warnings) MUST_USE;

#endif
