/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task/copies.h"

#include "pack/near_duplicates.h"
#include "pack/phash.h"

#include <stdlib.h>
#include <string.h>

/* A record to compare: its row of the pack, and which of the caller's it is. */
typedef struct {
    const Pack *pack;
    const PackRow *row;
    int64_t number; /* in the pack */
    int64_t at;
} Candidate;

typedef struct {
    Candidate *list;  /* [count] */
    int64_t *parents; /* [count] union-find; a root is its own, and the first of its group */
    int64_t count;
} Groups;

static int64_t find_root(const Groups *groups, int64_t at) {
    while (groups->parents[at] != at)
        at = groups->parents[at] = groups->parents[groups->parents[at]];
    return at;
}

static void join_groups(const Groups *groups, int64_t a, int64_t b) {
    a = find_root(groups, a);
    b = find_root(groups, b);
    groups->parents[a > b ? a : b] = a < b ? a : b;
}

static int compare_files(const void *a, const void *b) {
    return memcmp(((const Candidate *)a)->row->sha256, ((const Candidate *)b)->row->sha256,
                  sizeof((PackRow *)0)->sha256);
}

/* Records of other sizes are no copies by their pixels. */
static int compare_pixels(const void *a, const void *b) {
    const Candidate *left = a, *right = b;
    if (left->pack->info.image_size != right->pack->info.image_size)
        return left->pack->info.image_size < right->pack->info.image_size ? -1 : 1;
    return (left->row->checksum > right->row->checksum) - (left->row->checksum < right->row->checksum);
}

static void join_equal(const Groups *groups, int (*compare)(const void *, const void *)) {
    qsort(groups->list, (size_t)groups->count, sizeof *groups->list, compare);
    for (int64_t i = 1; i < groups->count; i++)
        if (compare(&groups->list[i - 1], &groups->list[i]) == 0)
            join_groups(groups, groups->list[i - 1].at, groups->list[i].at);
}

/* A record that cannot be read is like none. */
static Status look_alike(const Candidate *a, const Candidate *b, bool *alike) {
    const int side_a = a->pack->info.image_size, side_b = b->pack->info.image_size;
    const size_t size_a = pack_record_bytes(&a->pack->info), size_b = pack_record_bytes(&b->pack->info);
    uint8_t *pixels = malloc(size_a + size_b);
    if (!pixels)
        return status_no_memory("two records", size_a + size_b);
    Status status = pack_read(a->pack, a->number, pixels);
    if (!status)
        status = pack_read(b->pack, b->number, pixels + size_a);
    *alike = !status && phash_likeness(pixels, side_a, pixels + size_a, side_b) >= PHASH_LIKE;
    free(pixels);
    if (status_code(status) != EXIT_DATA)
        return status;
    status_free(status);
    return NULL;
}

/* `hashed`: the candidates with a perceptual hash, in the caller's order. */
static Status join_alike(const Groups *groups, const Candidate *hashed, const int64_t *nearest, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        bool alike;
        if (nearest[i] < 0)
            continue;
        const Candidate *a = &hashed[nearest[i]], *b = &hashed[i];
        if (find_root(groups, a->at) == find_root(groups, b->at))
            continue;
        TRY(look_alike(a, b, &alike));
        if (alike)
            join_groups(groups, a->at, b->at);
    }
    return NULL;
}

static int compare_places(const void *a, const void *b) {
    const int64_t left = ((const Candidate *)a)->at, right = ((const Candidate *)b)->at;
    return (left > right) - (left < right);
}

static Status join_near(const Groups *groups) {
    const size_t room = (size_t)groups->count + 1;
    uint64_t *hashes = malloc(room * sizeof *hashes);
    int64_t *nearest = malloc(room * sizeof *nearest), count = 0;
    Candidate *hashed = malloc(room * sizeof *hashed);
    Status status = hashes && nearest && hashed ? NULL : status_no_memory("the perceptual hashes", 8 * room);
    if (!status) {
        qsort(groups->list, (size_t)groups->count, sizeof *groups->list, compare_places);
        for (int64_t i = 0; i < groups->count; i++)
            if (groups->list[i].row->phash) { /* 0: an image without structure */
                hashes[count] = groups->list[i].row->phash;
                hashed[count++] = groups->list[i];
            }
        status = near_duplicates_find(hashes, count, PHASH_NEAR, nearest);
    }
    if (!status)
        status = join_alike(groups, hashed, nearest, count);
    free(hashed);
    free(nearest);
    free(hashes);
    return status;
}

/* Numbers the groups of two or more. */
static void number_groups(const Groups *groups, int64_t *copies) {
    int64_t next = 0;
    for (int64_t i = 0; i < groups->count; i++)
        copies[i] = -1;
    for (int64_t i = 0; i < groups->count; i++) {
        const int64_t root = find_root(groups, i);
        if (root == i)
            continue;
        if (copies[root] < 0)
            copies[root] = next++;
        copies[i] = copies[root];
    }
}

Status copies_find(const Records *records, const int64_t *record, int64_t count, int64_t *copies) {
    Groups groups = {malloc(((size_t)count + 1) * sizeof(Candidate)), malloc(((size_t)count + 1) * sizeof(int64_t)),
                     count};
    Status status = groups.list && groups.parents
                        ? NULL
                        : status_no_memory("a list of records", (size_t)count * sizeof *groups.list);
    for (int64_t i = 0; !status && i < count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(records, record[i], &number);
        groups.list[i] = (Candidate){&part->pack, &part->pack.rows[number], number, i};
        groups.parents[i] = i;
    }
    if (!status) {
        join_equal(&groups, compare_files);
        join_equal(&groups, compare_pixels);
        status = join_near(&groups);
    }
    if (!status)
        number_groups(&groups, copies);
    free(groups.list);
    free(groups.parents);
    return status;
}
