/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/content_index.h"

#include <stdlib.h>
#include <string.h>

Status content_index_open(ContentIndex *index, int64_t max_count) {
    int bits = 6;
    while ((int64_t)1 << bits < 2 * max_count) /* at most half full, so that a search is short */
        bits++;
    const int64_t slots = (int64_t)1 << bits;
    *index = (ContentIndex){malloc((size_t)slots * sizeof *index->slots), slots};
    if (!index->slots)
        return status_no_memory("the files' hashes", (unsigned long long)slots * sizeof *index->slots);
    for (int64_t i = 0; i < slots; i++)
        index->slots[i].input = -1;
    return NULL;
}

/* The slot of the content, or the free one it would take. SHA-256 is as good as random: its first bytes are the hash.
 */
static struct ContentSlot *find_slot(const ContentIndex *index, const uint8_t sha256[32]) {
    uint64_t start;
    memcpy(&start, sha256, sizeof start);
    for (uint64_t i = start;; i++) {
        struct ContentSlot *slot = &index->slots[i & (uint64_t)(index->capacity - 1)];
        if (slot->input < 0 || memcmp(slot->sha256, sha256, sizeof slot->sha256) == 0)
            return slot;
    }
}

int64_t content_index_find(const ContentIndex *index, const uint8_t sha256[32]) {
    return find_slot(index, sha256)->input;
}

void content_index_add(ContentIndex *index, const uint8_t sha256[32], int64_t input) {
    struct ContentSlot *slot = find_slot(index, sha256);
    memcpy(slot->sha256, sha256, sizeof slot->sha256);
    slot->input = input;
}

void content_index_close(ContentIndex *index) {
    free(index->slots);
    *index = (ContentIndex){0};
}
