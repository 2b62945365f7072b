/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/near_duplicates.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 64, MIN_GROUPS = 6 }; /* so that a group has at most 11 bits: there is a bucket for each value */

/* Hashes with the same bits first .. first + width, linked backwards from the newest. */
typedef struct {
    int first, width;
    int64_t *newest; /* [1 << width] */
    int64_t *before; /* [count] */
} HashGroup;

static Status open_group(HashGroup *group, int first, int width, int64_t count) {
    const size_t buckets = (size_t)1 << width;
    *group = (HashGroup){first, width, malloc(buckets * sizeof(int64_t)), malloc((size_t)count * sizeof(int64_t))};
    if (!group->newest || !group->before)
        return status_no_memory("the perceptual hashes", (unsigned long long)count * sizeof(int64_t));
    memset(group->newest, -1, buckets * sizeof(int64_t));
    return NULL;
}

/* Compares hash i to the earlier ones in its bucket, then adds it. */
static void compare_in_group(HashGroup *group, const uint64_t *hashes, int64_t i, int max_bits, int *distance,
                             int64_t *nearest) {
    const uint64_t mask = ((uint64_t)1 << group->width) - 1;
    int64_t *newest = &group->newest[hashes[i] >> group->first & mask];
    for (int64_t j = *newest; j >= 0; j = group->before[j]) {
        const int apart = __builtin_popcountll(hashes[i] ^ hashes[j]);
        if (apart <= max_bits && (apart < *distance || (apart == *distance && j < *nearest))) {
            *distance = apart;
            *nearest = j;
        }
    }
    group->before[i] = *newest;
    *newest = i;
}

Status near_duplicates_find(const uint64_t *hashes, int64_t count, int max_bits, int64_t *nearest) {
    const int groups = max_bits + 1 > MIN_GROUPS ? max_bits + 1 : MIN_GROUPS;
    HashGroup *group = calloc((size_t)groups, sizeof *group);
    Status status = group ? NULL : status_no_memory("the perceptual hashes", (size_t)groups * sizeof *group);
    for (int g = 0; g < groups && !status; g++) {
        const int first = BITS * g / groups;
        status = open_group(&group[g], first, BITS * (g + 1) / groups - first, count ? count : 1);
    }
    for (int64_t i = 0; i < count && !status; i++) {
        int distance = BITS + 1;
        nearest[i] = -1;
        for (int g = 0; g < groups; g++)
            compare_in_group(&group[g], hashes, i, max_bits, &distance, &nearest[i]);
    }
    for (int g = 0; group && g < groups; g++) {
        free(group[g].newest);
        free(group[g].before);
    }
    free(group);
    return status;
}
