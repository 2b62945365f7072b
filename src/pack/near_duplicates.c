/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/near_duplicates.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A multi-index of the hashes (Norouzi et al., arXiv 1307.2982): each is listed once in every group, in the bucket of
 * its bits there. Of two hashes within max_bits bits, one group at least differs by one bit or none when there are more
 * than max_bits / 2 groups. So a search reads a bucket of each group and those one bit away from it: with 16 bits, the
 * most that a group has, one in 65,536 of the hashes each. */
enum { BITS = 64, MIN_GROUPS = BITS / 16 };

typedef struct {
    uint64_t hash;
    int64_t at; /* the first index with this hash */
} HashEntry;

typedef struct {
    int first, width; /* of its bits */
    int64_t *starts;  /* [(1 << width) + 1] of the buckets */
    HashEntry *list;  /* by bucket, and within one by index */
} HashGroup;

/* What is known of each hash, by its index. */
typedef struct {
    uint8_t *distance; /* of the nearest; what is farther does not count */
    int64_t *nearest;
} Found;

static uint64_t bucket_of(const HashGroup *group, uint64_t hash) {
    return hash >> group->first & (((uint64_t)1 << group->width) - 1);
}

static void close_group(HashGroup *group) {
    free(group->starts);
    free(group->list);
}

/* Sorts the entries by bucket; they stay in the order of their indices within one. */
static Status open_group(HashGroup *group, int first, int width, const HashEntry *entries, int64_t count) {
    const size_t buckets = (size_t)1 << width;
    *group = (HashGroup){first, width, calloc(buckets + 1, sizeof *group->starts),
                         malloc((size_t)(count + 1) * sizeof *group->list)};
    if (!group->starts || !group->list)
        return status_no_memory("the perceptual hashes", (unsigned long long)count * sizeof *group->list);
    for (int64_t i = 0; i < count; i++)
        group->starts[bucket_of(group, entries[i].hash) + 1]++;
    for (size_t b = 0; b < buckets; b++)
        group->starts[b + 1] += group->starts[b];
    for (int64_t i = 0; i < count; i++)
        group->list[group->starts[bucket_of(group, entries[i].hash)]++] = entries[i];
    /* Each start has become its bucket's end. */
    memmove(group->starts + 1, group->starts, buckets * sizeof *group->starts);
    group->starts[0] = 0;
    return NULL;
}

/* Compares a hash to the earlier ones of a bucket. */
static void search_bucket(const HashGroup *group, uint64_t bucket, HashEntry entry, Found *found) {
    int nearest_yet = found->distance[entry.at];
    for (int64_t i = group->starts[bucket]; i < group->starts[bucket + 1] && group->list[i].at < entry.at; i++) {
        const HashEntry other = group->list[i];
        const int apart = __builtin_popcountll(other.hash ^ entry.hash);
        if (apart < nearest_yet || (apart == nearest_yet && other.at < found->nearest[entry.at])) {
            nearest_yet = apart;
            found->nearest[entry.at] = other.at;
        }
    }
    found->distance[entry.at] = (uint8_t)nearest_yet;
}

/* Compares each hash to those in its own bucket, or to those in the buckets one bit away when it has nothing nearer
 * than `near` yet. Bucket by bucket, so that what is compared stays in the cache. */
static void search_group(const HashGroup *group, bool own, int near, Found *found) {
    for (uint64_t bucket = 0; bucket < (uint64_t)1 << group->width; bucket++)
        for (int64_t i = group->starts[bucket]; i < group->starts[bucket + 1]; i++) {
            const HashEntry entry = group->list[i];
            if (own)
                search_bucket(group, bucket, entry, found);
            for (int bit = 0; bit < group->width && !own && found->distance[entry.at] >= near; bit++)
                search_bucket(group, bucket ^ (uint64_t)1 << bit, entry, found);
        }
}

static int compare_hashes(const void *a, const void *b) {
    const HashEntry *first = a, *second = b;
    if (first->hash != second->hash)
        return first->hash < second->hash ? -1 : 1;
    return (first->at > second->at) - (first->at < second->at);
}

/* Lists each hash once, by index; nearest[] of a repeated one is its first index, and -1 of the others. */
static int64_t list_once(const uint64_t *hashes, int64_t count, HashEntry *entries, int64_t *nearest) {
    for (int64_t i = 0; i < count; i++)
        entries[i] = (HashEntry){hashes[i], i};
    qsort(entries, (size_t)count, sizeof *entries, compare_hashes);
    for (int64_t i = 0, first = 0; i < count; i++) {
        if (entries[i].hash != entries[first].hash)
            first = i;
        nearest[entries[i].at] = i == first ? -1 : entries[first].at;
    }
    int64_t listed = 0;
    for (int64_t i = 0; i < count; i++)
        if (nearest[i] < 0)
            entries[listed++] = (HashEntry){hashes[i], i};
    return listed;
}

/* Hashes that differ in every one of `count` groups are `count` bits apart or more: what is nearer is found in a hash's
 * own buckets, and needs no other. */
static Status search_all(HashGroup *groups, int count, const HashEntry *entries, int64_t listed, Found *found) {
    for (int g = 0; g < count; g++) {
        const int first = BITS * g / count;
        TRY(open_group(&groups[g], first, BITS * (g + 1) / count - first, entries, listed));
    }
    for (int own = 1; own >= 0; own--)
        for (int g = 0; g < count; g++)
            search_group(&groups[g], own, count, found);
    return NULL;
}

Status near_duplicates_find(const uint64_t *hashes, int64_t count, int max_bits, int64_t *nearest) {
    const int groups = max_bits / 2 + 1 > MIN_GROUPS ? max_bits / 2 + 1 : MIN_GROUPS;
    HashGroup *group = calloc((size_t)groups, sizeof *group);
    HashEntry *entries = malloc((size_t)(count + 1) * sizeof *entries);
    Found found = {malloc((size_t)count + 1), nearest};
    Status status = NULL;
    if (!group || !entries || !found.distance) {
        status = status_no_memory("the perceptual hashes", (unsigned long long)count * sizeof *entries);
    } else {
        memset(found.distance, max_bits + 1, (size_t)count);
        status = search_all(group, groups, entries, list_once(hashes, count, entries, nearest), &found);
    }
    for (int g = 0; group && g < groups; g++)
        close_group(&group[g]);
    free(found.distance);
    free(entries);
    free(group);
    return status;
}
