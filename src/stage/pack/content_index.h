/* SPDX-License-Identifier: Apache-2.0 */
/* An index of the file contents that have been packed, by SHA-256. */
#ifndef FOVEA_STAGE_CONTENT_INDEX_H
#define FOVEA_STAGE_CONTENT_INDEX_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    struct ContentSlot {
        uint8_t sha256[32];
        int64_t input; /* -1: free */
    } * slots;         /* [capacity], open addressing */
    int64_t capacity;
} ContentIndex;

/* For at most max_count contents. */
Status content_index_open(ContentIndex *index, int64_t max_count) MUST_USE;
/* The input with this content; -1: none. */
int64_t content_index_find(const ContentIndex *index, const uint8_t sha256[32]);
/* Adds a content that is not in the index yet. */
void content_index_add(ContentIndex *index, const uint8_t sha256[32], int64_t input);
void content_index_close(ContentIndex *index);

#endif
