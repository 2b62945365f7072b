/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/knn.h"
#include "stats/probe/product.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const double TEMPERATURE = 0.07;

/* Neighbours that are kept of each asked row, so that 20 of them have a label where up to half have none; and panels of
 * asked rows to which the known ones are compared while they are in the cache. */
enum { KEPT = 40, TOGETHER = 4, CHUNK = TOGETHER * PANEL };

/* Asked rows from which on a second thread saves more than its start costs. */
enum { WORTH_THREADS = 100 };

typedef struct {
    double cosine;
    int64_t known; /* number among the known rows */
} Neighbour;

struct Neighbours {
    int depth; /* of a row, to a multiple of four */
    int64_t stride, known_rows, asked_rows, blocks;
    double *known;   /* [blocks * BLOCK][stride], of length 1 */
    double *asked;   /* [asked_rows][stride], the same */
    Neighbour *list; /* [asked_rows][KEPT], the nearest first */
    int kept;        /* of each: KEPT, or all known rows */
    int threads;
};

/* --- Finding ------------------------------------------------------------------------------------------------------ */

/* The row over its length. */
static void normalise_row(const float *row, int width, double *out) {
    for (int j = 0; j < width; j++)
        out[j] = (double)row[j];
    const double length = sqrt(product_dot(out, out, width));
    for (int j = 0; j < width && length > 0; j++)
        out[j] /= length;
}

/* Keeps the nearest ones, the nearest first; of equals the one that came first. */
static int keep_nearest(Neighbour *nearest, int count, int most, Neighbour next) {
    int place = count;
    while (place > 0 && nearest[place - 1].cosine < next.cosine)
        place--;
    if (place == most)
        return count;
    count += count < most;
    memmove(nearest + place + 1, nearest + place, (size_t)(count - 1 - place) * sizeof *nearest);
    nearest[place] = next;
    return count;
}

/* panels[][depth][PANEL], zeros, of asked rows from `first` on. */
static void pack_asked(const Neighbours *n, int64_t first, int count, double *panels) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < n->depth; j++)
            panels[((int64_t)(i / PANEL) * n->depth + j) * PANEL + i % PANEL] = n->asked[(first + i) * n->stride + j];
}

/* Of the known rows with a label (labels NULL: of all) the `most` nearest to asked rows [first, first + count), up to
 * CHUNK, into list[count][most]; returns how many each has, -1 when memory is short. */
static int compare_rows(const Neighbours *n, int64_t first, int count, const double *labels, int most,
                        Neighbour *list) {
    double cosines[BLOCK * CHUNK];
    int kept[CHUNK] = {0};
    double *panels = calloc(CHUNK, (size_t)n->depth * sizeof *panels);
    if (!panels)
        return -1;
    pack_asked(n, first, count, panels);
    for (int64_t block = 0; block < n->blocks; block++) {
        for (int p = 0; p * PANEL < count; p++)
            product_project(n->known + block * BLOCK * n->stride, n->stride, n->depth,
                            panels + (int64_t)p * n->depth * PANEL, cosines + p * PANEL, CHUNK);
        for (int64_t row = block * BLOCK; row < n->known_rows && row < (block + 1) * BLOCK; row++)
            for (int i = 0; i < count && !(labels && isnan(labels[row])); i++) {
                const Neighbour next = {cosines[(row - block * BLOCK) * CHUNK + i], row};
                if (kept[i] < most || next.cosine > list[i * most + most - 1].cosine)
                    kept[i] = keep_nearest(list + i * most, kept[i], most, next);
            }
    }
    free(panels);
    return kept[0];
}

static Status allocate_neighbours(const KnnInput *in, Neighbours **neighbours) {
    Neighbours *n = *neighbours = malloc(sizeof *n);
    if (!n)
        return status_no_memory("the nearest neighbours", sizeof *n);
    *n = (Neighbours){.depth = (in->width + 3) / 4 * 4,
                      .known_rows = in->known_rows,
                      .asked_rows = in->asked_rows,
                      .blocks = (in->known_rows + BLOCK - 1) / BLOCK,
                      .threads = in->threads};
    n->stride = product_stride(n->depth);
    n->kept = in->known_rows < KEPT ? (int)in->known_rows : KEPT;
    const size_t stride = (size_t)n->stride, rows = (size_t)(n->blocks * BLOCK);
    n->known = calloc(rows * stride, sizeof *n->known);
    n->asked = calloc((size_t)in->asked_rows * stride + 1, sizeof *n->asked);
    n->list = malloc((size_t)in->asked_rows * (size_t)n->kept * sizeof *n->list + 1);
    return n->known && n->asked && n->list
               ? NULL
               : status_no_memory("the nearest neighbours", (rows + (size_t)in->asked_rows) * stride * 8);
}

void neighbours_close(Neighbours *n) {
    if (!n)
        return;
    free(n->known);
    free(n->asked);
    free(n->list);
    free(n);
}

Status neighbours_find(const KnnInput *in, Neighbours **neighbours) {
    TRY(allocate_neighbours(in, neighbours));
    Neighbours *n = *neighbours;
    for (int64_t i = 0; i < n->known_rows; i++)
        normalise_row(in->features + in->known[i] * in->width, in->width, n->known + i * n->stride);
    for (int64_t i = 0; i < n->asked_rows; i++)
        normalise_row(in->features + in->asked[i] * in->width, in->width, n->asked + i * n->stride);
    bool failed = false;
#pragma omp parallel for num_threads(n->threads) schedule(dynamic, 1) reduction(|| : failed)
    for (int64_t first = 0; first < n->asked_rows; first += CHUNK) {
        const int64_t left = n->asked_rows - first;
        failed =
            compare_rows(n, first, left < CHUNK ? (int)left : CHUNK, NULL, n->kept, n->list + first * n->kept) < 0 ||
            failed;
    }
    return failed ? status_no_memory("the nearest neighbours", CHUNK * (size_t)n->depth * sizeof(double)) : NULL;
}

/* --- Voting ------------------------------------------------------------------------------------------------------- */

/* The neighbours that vote on an asked row: of those that were kept the first 20 with a label; where too many have
 * none, all known rows are compared again. -1 when memory is short. */
static int choose_voters(const Neighbours *n, int64_t asked, const double *labels, Neighbour *voters) {
    int count = 0;
    for (int i = 0; i < n->kept && count < KNN_NEIGHBOURS; i++) {
        const Neighbour next = n->list[asked * n->kept + i];
        if (!isnan(labels[next.known]))
            voters[count++] = next;
    }
    if (count == KNN_NEIGHBOURS || n->kept == n->known_rows)
        return count;
    return compare_rows(n, asked, 1, labels, KNN_NEIGHBOURS, voters);
}

/* False when memory is short. */
static bool vote_on(const Neighbours *n, int64_t asked, const double *labels, int classes, double *out) {
    Neighbour voters[KNN_NEIGHBOURS];
    const int count = choose_voters(n, asked, labels, voters), values = classes ? classes : 1;
    double total = 0;
    memset(out, 0, (size_t)values * sizeof *out);
    for (int i = 0; i < count; i++) {
        const double weight = exp((voters[i].cosine - voters[0].cosine) / TEMPERATURE), label = labels[voters[i].known];
        out[classes ? (int)label : 0] += classes ? weight : weight * label;
        total += weight;
    }
    for (int v = 0; v < values; v++)
        out[v] /= total;
    return count > 0;
}

Status neighbours_vote(const Neighbours *n, const double *labels, int classes, double *out) {
    bool known = false, failed = false;
    for (int64_t i = 0; i < n->known_rows; i++)
        known |= !isnan(labels[i]);
    if (!known)
        return status_error(EXIT_DATA, "no train row has a label");
#pragma omp parallel for num_threads(n->threads) reduction(|| : failed) if (n->asked_rows > WORTH_THREADS)
    for (int64_t i = 0; i < n->asked_rows; i++)
        failed = !vote_on(n, i, labels, classes, out + i * (classes ? classes : 1)) || failed;
    return failed ? status_no_memory("the nearest neighbours", CHUNK * (size_t)n->depth * sizeof(double)) : NULL;
}
