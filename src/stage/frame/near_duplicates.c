/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/near_duplicates.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 64, LEAST_GROUPS = 6 }; /* of at most 11 bits: a bucket for each of their values is kept */

/* Hashes with the same bits first .. first + width, linked backwards from the newest. */
typedef struct {
    int first, width;
    int64_t *newest; /* [1 << width] */
    int64_t *before; /* [count] */
} Group;

static Status group_open(Group *group, int first, int width, int64_t count) {
    const size_t buckets = (size_t)1 << width;
    *group = (Group){first, width, malloc(buckets * sizeof(int64_t)), malloc((size_t)count * sizeof(int64_t))};
    if (!group->newest || !group->before)
        return status_no_memory("the perceptual hashes", (unsigned long long)count * sizeof(int64_t));
    memset(group->newest, -1, buckets * sizeof(int64_t));
    return NULL;
}

/* Compares hash i with those before it in its bucket, then puts it there. */
static void group_take(Group *group, const uint64_t *hashes, int64_t i, int most, int *distance, int64_t *nearest) {
    const uint64_t mask = ((uint64_t)1 << group->width) - 1;
    int64_t *newest = &group->newest[hashes[i] >> group->first & mask];
    for (int64_t j = *newest; j >= 0; j = group->before[j]) {
        const int apart = __builtin_popcountll(hashes[i] ^ hashes[j]);
        if (apart <= most && (apart < *distance || (apart == *distance && j < *nearest))) {
            *distance = apart;
            *nearest = j;
        }
    }
    group->before[i] = *newest;
    *newest = i;
}

Status near_find(const uint64_t *hashes, int64_t count, int most, int64_t *nearest) {
    const int groups = most + 1 > LEAST_GROUPS ? most + 1 : LEAST_GROUPS;
    Group *group = calloc((size_t)groups, sizeof *group);
    Status status = group ? NULL : status_no_memory("the perceptual hashes", (size_t)groups * sizeof *group);
    for (int g = 0; g < groups && !status; g++) {
        const int first = BITS * g / groups;
        status = group_open(&group[g], first, BITS * (g + 1) / groups - first, count ? count : 1);
    }
    for (int64_t i = 0; i < count && !status; i++) {
        int distance = BITS + 1;
        nearest[i] = -1;
        for (int g = 0; g < groups; g++)
            group_take(&group[g], hashes, i, most, &distance, &nearest[i]);
    }
    for (int g = 0; group && g < groups; g++) {
        free(group[g].newest);
        free(group[g].before);
    }
    free(group);
    return status;
}
