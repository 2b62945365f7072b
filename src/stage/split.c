/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"

#include "base/files.h"
#include "base/random.h"
#include "base/tsv.h"
#include "pack/pack.h"
#include "stage/pack/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* People of a pack, sorted bytewise. */
typedef struct {
    struct Person {
        const char *name; /* the pack's */
        PackSplit split;
    } * list;
    int64_t count;
} People;

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct Person *)a)->name, ((const struct Person *)b)->name);
}

static Status list_people(const Pack *pack, People *people) {
    *people = (People){calloc((size_t)pack->count + 1, sizeof *people->list), 0};
    if (!people->list)
        return status_no_memory("the list of people", (size_t)pack->count * sizeof *people->list);
    for (int64_t i = 0; i < pack->count; i++)
        people->list[i] = (struct Person){pack->rows[i].person, pack->rows[i].split};
    qsort(people->list, (size_t)pack->count, sizeof *people->list, by_name);
    for (int64_t i = 0; i < pack->count; i++)
        if (i == 0 || strcmp(people->list[people->count - 1].name, people->list[i].name) != 0)
            people->list[people->count++] = people->list[i];
    return NULL;
}

static void print_people(const char *when, const People *people) {
    int64_t counts[PACK_SPLITS] = {0};
    for (int64_t i = 0; i < people->count; i++)
        counts[people->list[i].split]++;
    printf("%s%" PRId64 " people: train %" PRId64 ", val %" PRId64 ", test %" PRId64 ", none %" PRId64 "\n", when,
           people->count, counts[PACK_SPLIT_TRAIN], counts[PACK_SPLIT_VAL], counts[PACK_SPLIT_TEST],
           counts[PACK_SPLIT_NONE]);
}

/* A keyed order of the people; its first ones are the test's, the next ones the validation's. */
static void deal(People *people, double val, double test, uint64_t seed) {
    const int64_t count = people->count, tests = llround(test * (double)count), vals = llround(val * (double)count);
    for (int64_t i = 0; i < count; i++) {
        const int64_t place = (int64_t)random_permute(seed, 0, (uint64_t)count, (uint64_t)i);
        people->list[i].split = place < tests          ? PACK_SPLIT_TEST
                                : place < tests + vals ? PACK_SPLIT_VAL
                                                       : PACK_SPLIT_TRAIN;
    }
}

static Status write_split(const char *pack, const People *people) {
    char *path, *text = NULL;
    size_t size = 0;
    TRY(files_path(&path, "%s/split.tsv", pack));
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        free(path);
        return status_no_memory("the split", 0);
    }
    for (int64_t i = 0; i < people->count; i++)
        tsv_put_line(out, (const char *const[]){people->list[i].name, pack_split_name(people->list[i].split)}, 2);
    Status status = fclose(out) ? status_no_memory("the split", 0) : files_write(path, text, size);
    if (!status)
        printf("written to %s, which stands above the shards' own split; remove it to have that again; card.md goes on "
               "counting that one\n",
               path);
    free(text);
    free(path);
    return status;
}

Status stage_split(const char *directory, double val, double test, uint64_t seed) {
    Pack pack;
    People people = {0};
    TRY(pack_open(directory, &pack));
    Status status = list_people(&pack, &people);
    const bool anew = val > 0 || test > 0;
    int lock = -1;
    if (!status)
        print_people(anew ? "before: " : "", &people);
    if (!status && anew)
        status = output_lock(directory, &lock);
    if (!status && anew) {
        deal(&people, val, test, seed);
        print_people("now: ", &people);
        status = write_split(directory, &people);
    }
    if (lock >= 0)
        close(lock);
    free(people.list);
    pack_close(&pack);
    return status;
}
