/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON piece by piece to a stream over memory (open_memstream): want of memory shows once, at its end. */
#ifndef FOVEA_BASE_JSON_H
#define FOVEA_BASE_JSON_H

#include <stdio.h>

/* `text` in quotes, escaped; bytes that are no UTF-8 (a file's name may hold any) become U+FFFD. */
void json_string(FILE *out, const char *text);
/* Nine digits, enough to give a float back; null for what is not finite, which JSON cannot say. */
void json_number(FILE *out, double value);

#endif
