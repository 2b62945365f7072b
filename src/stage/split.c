/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/split.h"

#include "base/files.h"
#include "base/random.h"
#include "base/text_writer.h"
#include "base/tsv.h"
#include "pack/pack.h"
#include "pack/people.h"
#include "stage/pack/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The people of a pack, sorted bytewise, each once. */
static Status list_people(const Pack *pack, PackPerson **people, int64_t *count) {
    *people = calloc((size_t)pack->count + 1, sizeof **people);
    if (!*people)
        return status_no_memory("the list of people", (size_t)pack->count * sizeof **people);
    for (int64_t i = 0; i < pack->count; i++)
        (*people)[i] = (PackPerson){pack->rows[i].person, pack->rows[i].split, i};
    pack_people_sort(*people, pack->count);
    *count = pack_people_unique(*people, pack->count);
    return NULL;
}

static void print_people(const char *when, const PackPerson *people, int64_t count) {
    int64_t counts[PACK_SPLITS] = {0};
    for (int64_t i = 0; i < count; i++)
        counts[people[i].split]++;
    printf("%s%" PRId64 " %s: train %" PRId64 ", val %" PRId64 ", test %" PRId64 ", none %" PRId64 "\n", when, count,
           count == 1 ? "person" : "people", counts[PACK_SPLIT_TRAIN], counts[PACK_SPLIT_VAL], counts[PACK_SPLIT_TEST],
           counts[PACK_SPLIT_NONE]);
}

/* Orders the people by the seed; the first ones become test, the next ones val. */
static void assign_splits(PackPerson *people, int64_t count, double val, double test, uint64_t seed) {
    const int64_t tests = llround(test * (double)count), vals = llround(val * (double)count);
    for (int64_t i = 0; i < count; i++) {
        const int64_t place = (int64_t)random_permute(seed, 0, (uint64_t)count, (uint64_t)i);
        people[i].split = place < tests ? PACK_SPLIT_TEST : place < tests + vals ? PACK_SPLIT_VAL : PACK_SPLIT_TRAIN;
    }
}

static Status write_split(const char *pack, const PackPerson *people, int64_t count) {
    char *path;
    TextWriter text;
    TRY(text_writer_open(&text, "the split"));
    for (int64_t i = 0; i < count; i++)
        tsv_put_line(text.out, (const char *const[]){people[i].person, pack_split_name(people[i].split)}, 2);
    Status status = files_path(&path, "%s/split.tsv", pack);
    if (!status)
        status = text_writer_save(&text, path);
    if (!status)
        printf(
            "written to %s, which overrides the split of the shards; delete it to use that one again; card.md counts "
            "by the split of the shards\n",
            path);
    text_writer_discard(&text);
    free(path);
    return status;
}

static Status split_people(const char *directory, PackPerson *people, int64_t count, double val, double test,
                           uint64_t seed) {
    int lock = -1;
    print_people("before: ", people, count);
    TRY(output_lock(directory, &lock));
    assign_splits(people, count, val, test, seed);
    print_people("now: ", people, count);
    Status status = write_split(directory, people, count);
    close(lock);
    return status;
}

Status stage_split(const char *directory, double val, double test, uint64_t seed) {
    Pack pack;
    PackPerson *people = NULL;
    int64_t count = 0;
    TRY(pack_open(directory, &pack));
    Status status = list_people(&pack, &people, &count);
    if (!status && val <= 0 && test <= 0)
        print_people("", people, count);
    else if (!status)
        status = split_people(directory, people, count, val, test, seed);
    free(people);
    pack_close(&pack);
    return status;
}
