/* SPDX-License-Identifier: Apache-2.0 */
/* Which file contents have been packed, and as which input. */
#ifndef FOVEA_STAGE_CONTENT_INDEX_H
#define FOVEA_STAGE_CONTENT_INDEX_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    struct SeenPlace {
        uint8_t sha256[32];
        int64_t input; /* -1: free */
    } * places;        /* [capacity], open addressing */
    int64_t capacity;
} Seen;

/* For at most `most` contents. */
Status seen_open(Seen *seen, int64_t most) MUST_USE;
/* The input that has this content; -1: none. */
int64_t seen_find(const Seen *seen, const uint8_t sha256[32]);
/* Enters a content that is not there yet. */
void seen_add(Seen *seen, const uint8_t sha256[32], int64_t input);
void seen_close(Seen *seen);

#endif
