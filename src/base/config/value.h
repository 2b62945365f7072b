/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a key: read from text, stored in a struct, loaded from it, printed. */
#ifndef FOVEA_BASE_CONFIG_VALUE_H
#define FOVEA_BASE_CONFIG_VALUE_H

#include "base/config_table.h"
#include <stdio.h>

/* Reads `text`; a string's value borrows it. Returns NULL, or why it is not a value of the key. */
const char *config_value_read(const ConfigKey *key, char *text, ConfigValue *value);
/* Writes the value to a field of the key's type. */
void config_value_store(const ConfigKey *key, void *place, const ConfigValue *value);
/* The value of such a field; a string's text is borrowed. */
ConfigValue config_value_load(const ConfigKey *key, const void *place);
void config_value_print(const ConfigKey *key, const ConfigValue *value, FILE *out);
/* Bytes of a text's field. */
size_t config_text_size(const ConfigKey *key);
/* The name in files of a choice's value. */
const char *config_choice_of(const ConfigKey *key, int value);

#endif
