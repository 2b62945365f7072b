/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with a label of two values: those whose label is known, checked and side by side. */
#ifndef FOVEA_STATS_BINARY_H
#define FOVEA_STATS_BINARY_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    double *scores;    /* [count] */
    uint8_t *positive; /* [count] */
    int64_t *source;   /* [count], their numbers in the input */
    int64_t count, positives;
} Binary;

/* Takes the rows whose labels[row * stride] is 0 or 1; NAN: not known, left out. Free with binary_free() either way.
 * EXIT_DATA naming the row of another label. */
Status binary_open(const double *labels, const double *scores, int64_t stride, int64_t rows, Binary *binary) MUST_USE;
void binary_free(Binary *binary);

/* The error of a label that is neither 0, 1 nor NAN. */
Status binary_wrong_label(double label, int64_t row) MUST_USE;

/* EXIT_DATA naming the first of `count` values outside [0, 1], in rows of `width`. */
Status binary_check_probabilities(const double *probabilities, int64_t count, int64_t width) MUST_USE;

#endif
