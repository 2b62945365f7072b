/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/knn.h"
#include "stats/probe/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TEMPERATURE = 0.07;

typedef struct {
    double cosine;
    int label;
} Neighbour;

/* The row over its length. */
static void normalise(const float *row, int width, double *out) {
    for (int j = 0; j < width; j++)
        out[j] = (double)row[j];
    const double length = sqrt(product_dot(out, out, width));
    for (int j = 0; j < width && length > 0; j++)
        out[j] /= length;
}

/* Keeps the nearest ones, the nearest first; of equals the one that came first. */
static int keep_nearest(Neighbour *nearest, int count, Neighbour next) {
    int place = count;
    while (place > 0 && nearest[place - 1].cosine < next.cosine)
        place--;
    if (place == KNN_NEIGHBOURS)
        return count;
    count += count < KNN_NEIGHBOURS;
    memmove(nearest + place + 1, nearest + place, (size_t)(count - 1 - place) * sizeof *nearest);
    nearest[place] = next;
    return count;
}

static void vote(const KnnInput *in, const double *known, const double *asked, double *probabilities) {
    Neighbour nearest[KNN_NEIGHBOURS];
    int count = 0;
    for (int64_t i = 0; i < in->known_rows; i++)
        count = keep_nearest(nearest, count,
                             (Neighbour){product_dot(known + i * in->width, asked, in->width), in->labels[i]});
    double total = 0;
    memset(probabilities, 0, (size_t)in->classes * sizeof *probabilities);
    for (int n = 0; n < count; n++) {
        const double weight = exp((nearest[n].cosine - nearest[0].cosine) / TEMPERATURE);
        probabilities[nearest[n].label] += weight;
        total += weight;
    }
    for (int c = 0; c < in->classes; c++)
        probabilities[c] /= total;
}

Status knn_classify(const KnnInput *in, double *probabilities) {
    const size_t rows = (size_t)(in->known_rows + in->asked_rows), width = (size_t)in->width;
    double *known = malloc(rows * width * sizeof *known + 1);
    if (!known)
        return status_no_memory("the nearest neighbours", rows * width * sizeof *known);
    double *asked = known + (size_t)in->known_rows * width;
    for (int64_t i = 0; i < in->known_rows; i++)
        normalise(in->features + in->known[i] * in->width, in->width, known + i * in->width);
#pragma omp parallel for num_threads(in->threads)
    for (int64_t i = 0; i < in->asked_rows; i++) {
        normalise(in->features + in->asked[i] * in->width, in->width, asked + i * in->width);
        vote(in, known, asked + i * in->width, probabilities + i * in->classes);
    }
    free(known);
    return NULL;
}
