/* SPDX-License-Identifier: Apache-2.0 */
/* Classes by the nearest known rows, as DINOv2's evaluation: the 20 rows of the largest cosine vote, each weighted by
 * the softmax of its cosine / 0.07 (arXiv 2304.07193). */
#ifndef FOVEA_STATS_KNN_H
#define FOVEA_STATS_KNN_H

#include "base/status.h"

#include <stdint.h>

enum { KNN_NEIGHBOURS = 20 };

typedef struct {
    const float *features; /* [rows][width], not standardised */
    int width;
    const int64_t *known; /* [known_rows], numbers of rows whose class is known */
    const int *labels;    /* [known_rows], below classes */
    int64_t known_rows;   /* at least 1; below 20: all of them vote */
    const int64_t *asked; /* [asked_rows] */
    int64_t asked_rows;
    int classes;
    int threads; /* at least 1 */
} KnnInput;

/* probabilities[asked_rows][classes]. Of rows with equal cosines the earlier in `known` is nearer; the cosine with a
 * row of zeros is 0. */
Status knn_classify(const KnnInput *input, double *probabilities) MUST_USE;

#endif
