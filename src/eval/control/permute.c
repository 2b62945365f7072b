/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/permute.h"

#include "base/random.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SPLITS = PROBE_TEST + 1 };

/* A person's rows: order[first] on, those of train, then val, then test. */
typedef struct {
    int64_t first;
    int64_t images[SPLITS];
} Block;

struct Permutation {
    const EvalRows *rows;
    int64_t *order; /* [rows->count] */
    Block *blocks;  /* [count], those with equal numbers of images side by side */
    int64_t count;
};

typedef struct {
    int64_t person, split, row;
} PersonRow;

static int compare_numbers(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b) {
    const PersonRow *left = a, *right = b;
    int order = compare_numbers(left->person, right->person);
    if (!order)
        order = compare_numbers(left->split, right->split);
    return order ? order : compare_numbers(left->row, right->row);
}

static int compare_images(const Block *a, const Block *b) {
    int order = 0;
    for (int split = 0; split < SPLITS && !order; split++)
        order = compare_numbers(a->images[split], b->images[split]);
    return order;
}

static int compare_blocks(const void *a, const void *b) {
    const int order = compare_images(a, b);
    return order ? order : compare_numbers(((const Block *)a)->first, ((const Block *)b)->first);
}

/* The end of the blocks that exchange their labels with block `first`. */
static int64_t end_of_class(const Permutation *p, int64_t first) {
    int64_t end = first + 1;
    while (end < p->count && compare_images(&p->blocks[first], &p->blocks[end]) == 0)
        end++;
    return end;
}

static void fill_blocks(Permutation *p, PersonRow *list) {
    const EvalRows *rows = p->rows;
    for (int64_t row = 0; row < rows->count; row++)
        list[row] = (PersonRow){rows->person[row] < 0 ? -1 - row : rows->person[row], rows->split[row], row};
    qsort(list, (size_t)rows->count, sizeof *list, compare_rows);
    for (int64_t i = 0; i < rows->count; i++) {
        if (i == 0 || list[i].person != list[i - 1].person)
            p->blocks[p->count++] = (Block){.first = i};
        p->blocks[p->count - 1].images[list[i].split]++;
        p->order[i] = list[i].row;
    }
    qsort(p->blocks, (size_t)p->count, sizeof *p->blocks, compare_blocks);
}

Status permute_open(const EvalRows *rows, Permutation **permutation) {
    const size_t count = (size_t)(rows->count ? rows->count : 1);
    Permutation *p = *permutation = calloc(1, sizeof *p);
    PersonRow *list = malloc(count * sizeof *list);
    bool fine = p && list;
    if (p) {
        p->rows = rows;
        p->order = malloc(count * sizeof *p->order);
        p->blocks = malloc(count * sizeof *p->blocks);
        fine = fine && p->order && p->blocks;
    }
    if (fine)
        fill_blocks(p, list);
    free(list);
    if (fine)
        return NULL;
    permute_close(p);
    *permutation = NULL;
    return status_no_memory("a permutation of labels", count * (sizeof *list + sizeof(Block) + sizeof(int64_t)));
}

void permute_close(Permutation *p) {
    if (!p)
        return;
    free(p->order);
    free(p->blocks);
    free(p);
}

static void move_labels(const Permutation *p, const Block *from, const Block *to, uint32_t turn, double *labels) {
    const int outputs = p->rows->outputs;
    const int64_t *source = p->order + from->first, *target = p->order + to->first;
    for (int split = 0; split < SPLITS; split++) {
        const int64_t images = to->images[split];
        for (int64_t i = 0; i < images; i++)
            memcpy(labels + target[i] * outputs, p->rows->labels + source[(i + turn) % images] * outputs,
                   (size_t)outputs * sizeof *labels);
        source += images;
        target += images;
    }
}

/* Draws which of the blocks [first, end) gets whose labels (Fisher and Yates's shuffle), and moves them. */
static void shuffle_class(const Permutation *p, int64_t first, int64_t end, Random *random, int64_t *from,
                          double *labels) {
    for (int64_t b = first; b < end; b++)
        from[b] = b;
    for (int64_t b = end - 1; b > first; b--) {
        const int64_t other = first + random_below(random, (uint32_t)(b - first + 1)), kept = from[b];
        from[b] = from[other];
        from[other] = kept;
    }
    for (int64_t b = first; b < end; b++)
        move_labels(p, &p->blocks[from[b]], &p->blocks[b], random_u32(random), labels);
}

Status permute_labels(const Permutation *p, uint64_t seed, uint32_t replicate, double *labels) {
    if (!replicate) {
        memcpy(labels, p->rows->labels, (size_t)(p->rows->count * p->rows->outputs) * sizeof *labels);
        return NULL;
    }
    int64_t *from = malloc((size_t)(p->count + 1) * sizeof *from);
    if (!from)
        return status_no_memory("a permutation of labels", (size_t)p->count * sizeof *from);
    for (int64_t first = 0, end; first < p->count; first = end) {
        Random random;
        end = end_of_class(p, first);
        random_start(&random, seed, RANDOM_SCRAMBLE, replicate, (uint64_t)first);
        shuffle_class(p, first, end, &random, from, labels);
    }
    free(from);
    return NULL;
}

int64_t permute_alone(const Permutation *p, ProbeSplit split) {
    int64_t alone = 0;
    for (int64_t first = 0, end; first < p->count; first = end) {
        end = end_of_class(p, first);
        if (end == first + 1)
            alone += p->blocks[first].images[split];
    }
    return alone;
}
