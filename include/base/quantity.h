/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations as people write them. */
#ifndef FOVEA_BASE_QUANTITY_H
#define FOVEA_BASE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char text[32];
} QuantityText;

/* "512", "8G": a whole number of bytes, or of KiB (K), MiB (M), GiB (G) or TiB (T). False for anything else, and above
 * INT64_MAX. */
bool quantity_read_size(const char *text, int64_t *bytes);
/* "90", "1.5", "90m", "2h", "7d": a number of seconds (s or nothing), minutes, hours or days, 0 or more. */
bool quantity_read_duration(const char *text, double *seconds);

/* The shortest text that reads back as the same value: the largest unit of which it is a whole multiple. */
QuantityText quantity_size(int64_t bytes);
QuantityText quantity_duration(double seconds);
/* A real with the fewest digits, from 15 to 17, that read back as the same double. */
QuantityText quantity_real(double value);

#endif
