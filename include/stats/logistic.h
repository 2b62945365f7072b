/* SPDX-License-Identifier: Apache-2.0 */
/* Logistic regression with an L2 penalty, as scikit-learn's LogisticRegression: w and b with the least
 *
 *     |w|^2 / 2 + C * sum of the rows' log loss
 *
 * the intercepts not penalised. One logit says whether the label is 1; more logits are a softmax over as many classes,
 * whose intercepts have the mean 0.
 *
 * Newton's method, its steps by conjugate gradients and shortened until the objective falls by Armijo's rule. It ends
 * with a step that promises less than 1e-12 of the objective and leaves about a millionth of that. Nothing is drawn,
 * and sums do not depend on the number of threads. */
#ifndef FOVEA_STATS_LOGISTIC_H
#define FOVEA_STATS_LOGISTIC_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    const double *features; /* [rows][width], best of one scale */
    const int *labels;      /* [rows]; each class must occur, or there is no minimum */
    int64_t rows;
    int width;
    int logits;  /* 1: labels are 0 and 1; K >= 2: labels are 0 to K - 1 */
    int threads; /* at least 1 */
} LogisticInput;

/* weights[logits][width + 1], the intercept last: where it starts (0, or the solution for a similar C), and the
 * solution. EXIT_DATA when 200 steps are not enough. */
Status logistic_fit(const LogisticInput *input, double c, double *weights, double *objective) MUST_USE;

/* The probability that a logit means, and those of `count` logits together; `out` may be `logits`. */
double logistic_sigmoid(double logit);
void logistic_softmax(const double *logits, int count, double *out);

/* probabilities[rows][K], K = 2 for one logit, of logits[rows][count]. */
void logistic_probabilities(const double *logits, int64_t rows, int count, double *probabilities);

#endif
