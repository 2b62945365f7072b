/* SPDX-License-Identifier: Apache-2.0 */
/* The people whom rows belong to, numbered from 0. */
#ifndef FOVEA_STATS_PEOPLE_H
#define FOVEA_STATS_PEOPLE_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    int32_t *person;    /* [rows], below `count` */
    int64_t *positives; /* [count], that person's positive rows */
    int64_t *negatives; /* [count] */
    int32_t count;
    int32_t with_positives, with_negatives; /* people who have such a row */
} People;

/* `ids` and `positive` (NULL: none is) have an element a row; equal ids are one person. Free with people_free() either
 * way. */
Status people_open(const int64_t *ids, const uint8_t *positive, int64_t rows, People *people) MUST_USE;
void people_free(People *people);

#endif
