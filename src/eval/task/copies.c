/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task/copies.h"

#include "pack/near_duplicates.h"
#include "pack/phash.h"

#include <stdlib.h>
#include <string.h>

enum { SEARCHES = 8 }; /* by perceptual hash at most; hardly any set takes more than three */

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

/* What is compared by perceptual hash: the candidates that have one, in the caller's order. */
typedef struct {
    Candidate *list; /* [count] */
    uint64_t *hashes;
    int64_t *nearest; /* an earlier one, or -1 */
    bool *refused;    /* it does not look like its nearest */
    bool *refuses;    /* one whose nearest it is does not look like it */
    int64_t count;
} Hashed;

static Status join_alike(const Groups *groups, const Hashed *hashed) {
    memset(hashed->refused, 0, (size_t)hashed->count);
    memset(hashed->refuses, 0, (size_t)hashed->count);
    for (int64_t i = 0; i < hashed->count; i++) {
        const int64_t nearest = hashed->nearest[i];
        bool alike;
        if (nearest < 0)
            continue;
        const Candidate *a = &hashed->list[nearest], *b = &hashed->list[i];
        if (find_root(groups, a->at) == find_root(groups, b->at))
            continue;
        TRY(look_alike(a, b, &alike));
        if (alike)
            join_groups(groups, a->at, b->at);
        else
            hashed->refused[i] = hashed->refuses[nearest] = true;
    }
    return NULL;
}

/* A copy may be behind a nearer photograph of something else, which is left out for the next search unless it has one
 * to find itself. False when nothing was. */
static bool leave_out_refusing(Hashed *hashed) {
    int64_t kept = 0;
    for (int64_t i = 0; i < hashed->count; i++)
        if (!hashed->refuses[i] || hashed->refused[i]) {
            hashed->hashes[kept] = hashed->hashes[i];
            hashed->list[kept++] = hashed->list[i];
        }
    const bool fewer = kept < hashed->count;
    hashed->count = kept;
    return fewer;
}

static int compare_places(const void *a, const void *b) {
    const int64_t left = ((const Candidate *)a)->at, right = ((const Candidate *)b)->at;
    return (left > right) - (left < right);
}

static Status allocate_hashed(int64_t count, Hashed *hashed) {
    const size_t room = (size_t)count + 1;
    *hashed = (Hashed){.list = malloc(room * sizeof *hashed->list),
                       .hashes = malloc(room * sizeof *hashed->hashes),
                       .nearest = malloc(room * sizeof *hashed->nearest),
                       .refused = malloc(room),
                       .refuses = malloc(room)};
    return hashed->list && hashed->hashes && hashed->nearest && hashed->refused && hashed->refuses
               ? NULL
               : status_no_memory("the perceptual hashes", 8 * room);
}

static void list_hashed(const Groups *groups, Hashed *hashed) {
    qsort(groups->list, (size_t)groups->count, sizeof *groups->list, compare_places);
    for (int64_t i = 0; i < groups->count; i++)
        if (groups->list[i].row->phash) { /* 0: an image without structure */
            hashed->hashes[hashed->count] = groups->list[i].row->phash;
            hashed->list[hashed->count++] = groups->list[i];
        }
}

static Status join_near(const Groups *groups) {
    Hashed hashed;
    Status status = allocate_hashed(groups->count, &hashed);
    if (!status)
        list_hashed(groups, &hashed);
    bool more = true;
    for (int search = 0; !status && more && search < SEARCHES; search++) {
        status = near_duplicates_find(hashed.hashes, hashed.count, PHASH_NEAR, hashed.nearest);
        if (!status)
            status = join_alike(groups, &hashed);
        more = leave_out_refusing(&hashed);
    }
    free(hashed.list);
    free(hashed.hashes);
    free(hashed.nearest);
    free(hashed.refused);
    free(hashed.refuses);
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

static void list_records(const CopySet *sets, int set_count, const Groups *groups) {
    for (int64_t s = 0, at = 0; s < set_count; s++)
        for (int64_t i = 0; i < sets[s].count; i++, at++) {
            int64_t number;
            const RecordsPart *part = records_part(sets[s].records, sets[s].record[i], &number);
            groups->list[at] = (Candidate){&part->pack, &part->pack.rows[number], number, at};
            groups->parents[at] = at;
        }
}

Status copies_find(const CopySet *sets, int set_count, int64_t *copies) {
    int64_t count = 0;
    for (int s = 0; s < set_count; s++)
        count += sets[s].count;
    Groups groups = {malloc(((size_t)count + 1) * sizeof(Candidate)), malloc(((size_t)count + 1) * sizeof(int64_t)),
                     count};
    Status status = groups.list && groups.parents
                        ? NULL
                        : status_no_memory("a list of records", (size_t)count * sizeof *groups.list);
    if (!status) {
        list_records(sets, set_count, &groups);
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
