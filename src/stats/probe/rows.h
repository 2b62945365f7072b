/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a probe, made ready once for all label sets: standardised by the train rows, those of a split side by
 * side, each with a 1 for the intercept, and turned (x Q, Q orthogonal) so that the train rows' products X'X become a
 * tridiagonal matrix T.
 *
 * Turning changes neither logits nor |w|, only names of the axes; and it makes (T + m I) w = r a matter of 2 * width
 * steps for any m, which is what a fit needs to find its way (descent.h). Householder's reduction stops short of
 * eigenvectors, which would cost several times as much and give no more. */
#ifndef FOVEA_STATS_ROWS_H
#define FOVEA_STATS_ROWS_H

#include "stats/probe_input.h"

typedef struct {
    int width;               /* of the features */
    int depth;               /* of a row of `values`: the turned features, a 1, and zeros to a multiple of four */
    int64_t stride;          /* from row to row */
    int64_t trains;          /* train rows, which stand first */
    int64_t vals, tests;     /* these begin at a block of their own */
    int64_t train_blocks;    /* of BLOCK rows, the last one filled with zeros */
    int64_t guessed_blocks;  /* of val and test rows */
    int64_t *row;            /* [trains + vals + tests], the row of the input */
    double *values;          /* [(train_blocks + guessed_blocks) * BLOCK][stride] */
    double *turn;            /* [width][width], Q */
    double *diagonal, *next; /* [width], T's diagonal and what is beside it; the last of `next` is 0 */
} Rows;

/* Only the features, rows, width and split of the input are looked at. EXIT_DATA when a feature is not finite or there
 * is no train row. Free with rows_close() either way. */
Status rows_open(const ProbeInput *input, Rows *rows) MUST_USE;
void rows_close(Rows *rows);

/* out[width], weights of standardised features, from weights[width] of turned ones. */
void rows_turn_back(const Rows *rows, const double *weights, double *out);

#endif
