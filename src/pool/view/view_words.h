/* SPDX-License-Identifier: Apache-2.0 */
/* Values of answers as people read them, and texts from outside made harmless for a terminal. */
#ifndef FOVEA_POOL_VIEW_VIEW_WORDS_H
#define FOVEA_POOL_VIEW_VIEW_WORDS_H

#include "base/status.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { VIEW_WORD = 48 };

/* A value; "-" when it is not known. */
typedef struct {
    char text[VIEW_WORD];
} ViewWord;

/* "512", "1.50K", "61.4G": three digits, in units of 1024 bytes. */
ViewWord view_size(double bytes);
/* "45s", "12m", "3h12m", "2d04h": two units at most; below 0 as 0. */
ViewWord view_duration(double seconds);
/* Local time: "20:41" on the day of `now`, else "2026-11-30 20:41". */
ViewWord view_time(double time, double now);
/* With that many digits after the point. */
ViewWord view_number(double value, int digits);

/* A member of an answer: NAN, "" or NULL when it is missing, null or of another type. */
double view_real(const cJSON *object, const char *key);
const char *view_text(const cJSON *object, const char *key);
const cJSON *view_list(const cJSON *object, const char *key);
bool view_known(const cJSON *object, const char *key);
/* Whole numbers as people list them: "2, 3, 5". */
Status view_numbers(const cJSON *list, const char *between, char **text) MUST_USE;

/* A copy in which nothing steers a terminal: line ends and tabs are blanks; other control characters, what turns the
 * direction of writing or takes no room, and bytes that are not UTF-8 are "?". The caller's. */
Status view_safe(const char *text, char **safe) MUST_USE;
/* Columns that a safe text takes on a terminal. */
int view_columns(const char *safe);
/* Bytes of the longest beginning that takes at most `columns`. */
size_t view_cut(const char *safe, int columns);

#endif
