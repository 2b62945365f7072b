/* SPDX-License-Identifier: Apache-2.0 */
/* What a row's logits cost, given its label: log loss of one logit, of a softmax, or half the square of what is missed;
 * with its first and second derivatives. */
#ifndef FOVEA_STATS_LOSS_H
#define FOVEA_STATS_LOSS_H

#include "base/status.h"

#include <stdint.h>

typedef enum { LOSS_LOGISTIC, LOSS_SOFTMAX, LOSS_SQUARE } LossKind;

typedef struct {
    LossKind kind;
    int logits; /* more than 1 for LOSS_SOFTMAX alone */
    const double
        *targets;  /* [rows]: 0 or 1, a class from 0 to logits - 1, or a number; NAN: not known, costs nothing */
    double *bends; /* [rows][logits], what loss_measure() leaves for loss_bend() */
    /* [logits][logits], orthonormal directions among the logits along which the mean second derivatives do not mix as
     * long as all rows have one and the same probability of each class, its share: so it is at the start of a fit, and
     * nearly so until its end. The one with all logits alike is among them, along which nothing bends. NULL for one
     * logit, and for more than 64, where finding them would take too long. */
    double *axes;
} Loss;

/* A loss over `rows` rows; kind, logits and targets are filled. Free with loss_close() either way. */
Status loss_open(Loss *loss, int64_t rows) MUST_USE;
void loss_close(Loss *loss);

/* logits[count][logits], rows `stride` apart, are those of rows `first` and on; they become the derivatives. Adds to
 * sums[0] what the rows cost, and to sums[1 + k] their second derivatives along axis k; without axes their mean over
 * all directions that bend, for each k. */
void loss_measure(const Loss *loss, int64_t first, int count, double *logits, int64_t stride, double *sums);

/* Turns a change of logits into that of the derivatives, near the logits that were measured last. */
void loss_bend(const Loss *loss, int64_t first, int count, double *change, int64_t stride);

#endif
