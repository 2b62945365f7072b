/* SPDX-License-Identifier: Apache-2.0 */
/* Values as INI. */
#ifndef FOVEA_BASE_CONFIG_PRINT_H
#define FOVEA_BASE_CONFIG_PRINT_H

#include "base/config_table.h"
#include <stdio.h>

/* The text after "key = " for the field at `place`. */
void config_print_value(const ConfigKey *key, const void *place, FILE *out);
typedef enum {
    CONFIG_ALL_KEYS,
    CONFIG_HASHED_KEYS, /* without the unhashed ones */
    CONFIG_RESULT_KEYS  /* without the neutral ones either */
} ConfigPart;

void config_print_keys(const ConfigTable *table, const void *values, ConfigPart part, FILE *out);

#endif
