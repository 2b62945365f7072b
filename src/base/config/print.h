/* SPDX-License-Identifier: Apache-2.0 */
/* Values as INI. */
#ifndef FOVEA_BASE_CONFIG_PRINT_H
#define FOVEA_BASE_CONFIG_PRINT_H

#include "base/config_table.h"
#include <stdio.h>

/* The text after "key = " for the field at `place`. */
void config_print_value(const ConfigKey *key, const void *place, FILE *out);
/* All keys, without the unhashed ones when `hashed`. */
void config_print_keys(const ConfigTable *table, const void *values, bool hashed, FILE *out);

#endif
