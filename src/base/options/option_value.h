/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: read from text, and described in words. */
#ifndef FOVEA_BASE_OPTION_VALUE_H
#define FOVEA_BASE_OPTION_VALUE_H

#include "base/option_table.h"

/* Reads `text` into `target`. Not for flags and collected texts. EXIT_USAGE saying what the option takes. */
Status option_value_read(const Option *option, const char *text, void *target) MUST_USE;

/* "a whole number from 16 to 4096": what the option takes. */
void option_value_describe(const Option *option, char *text, size_t size);

/* "jpeg|png|mixed" or the value's name; empty for a flag. */
void option_value_name(const Option *option, char *text, size_t size);

#endif
