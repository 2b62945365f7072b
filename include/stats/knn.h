/* SPDX-License-Identifier: Apache-2.0 */
/* Labels by the nearest known rows, as DINOv2's evaluation: the 20 rows of the largest cosine vote, each weighted by
 * the softmax of its cosine / 0.07 (arXiv 2304.07193). They are found once for any number of label sets. */
#ifndef FOVEA_STATS_KNN_H
#define FOVEA_STATS_KNN_H

#include "base/status.h"

#include <stdint.h>

enum { KNN_NEIGHBOURS = 20 };

typedef struct {
    const float *features; /* [rows][width], not standardised, finite */
    int width;
    const int64_t *known; /* [known_rows], numbers of rows that may vote */
    int64_t known_rows;   /* at least 1 */
    const int64_t *asked; /* [asked_rows], numbers of rows to vote on */
    int64_t asked_rows;
    int threads; /* at least 1 */
} KnnInput;

typedef struct Neighbours Neighbours;

/* Of rows with equal cosines the earlier in `known` is nearer; the cosine with a row of zeros is 0. Close with
 * neighbours_close() either way. */
Status neighbours_find(const KnnInput *input, Neighbours **neighbours) MUST_USE;
void neighbours_close(Neighbours *neighbours);

/* The 20 nearest rows whose label is known, or all where fewer are, vote by labels[known_rows], NAN: not known.
 * classes >= 2: labels are classes from 0, out[asked_rows][classes] gets probabilities; 0: labels are numbers,
 * out[asked_rows] gets their weighted mean. EXIT_DATA when no label is known. */
Status neighbours_vote(const Neighbours *neighbours, const double *labels, int classes, double *out) MUST_USE;

#endif
