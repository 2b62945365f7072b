/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/content_index.h"

#include <stdlib.h>
#include <string.h>

Status seen_open(Seen *seen, int64_t most) {
    int64_t capacity = 64;
    while (capacity < 2 * most) /* at most half full, so that a search is short */
        capacity *= 2;
    *seen = (Seen){malloc((size_t)capacity * sizeof *seen->places), capacity};
    if (!seen->places)
        return status_no_memory("the files' hashes", (unsigned long long)capacity * sizeof *seen->places);
    for (int64_t i = 0; i < capacity; i++)
        seen->places[i].input = -1;
    return NULL;
}

/* Where the content is, or where it would go. SHA-256 is as good as random: its first bytes are the place. */
static struct SeenPlace *place_of(const Seen *seen, const uint8_t sha256[32]) {
    uint64_t start;
    memcpy(&start, sha256, sizeof start);
    for (uint64_t i = start;; i++) {
        struct SeenPlace *place = &seen->places[i & (uint64_t)(seen->capacity - 1)];
        if (place->input < 0 || memcmp(place->sha256, sha256, sizeof place->sha256) == 0)
            return place;
    }
}

int64_t seen_find(const Seen *seen, const uint8_t sha256[32]) {
    return place_of(seen, sha256)->input;
}

void seen_add(Seen *seen, const uint8_t sha256[32], int64_t input) {
    struct SeenPlace *place = place_of(seen, sha256);
    memcpy(place->sha256, sha256, sizeof place->sha256);
    place->input = input;
}

void seen_close(Seen *seen) {
    free(seen->places);
    *seen = (Seen){0};
}
