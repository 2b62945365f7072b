/* SPDX-License-Identifier: Apache-2.0 */
/* The probability that a logit means, and those of several logits together. */
#ifndef FOVEA_STATS_LOGISTIC_H
#define FOVEA_STATS_LOGISTIC_H

#include <stdint.h>

double logistic_sigmoid(double logit);

/* out[count]; may be `logits`. */
void logistic_softmax(const double *logits, int count, double *out);

/* probabilities[rows][K], K = 2 for one logit, of logits[rows][count]. */
void logistic_probabilities(const double *logits, int64_t rows, int count, double *probabilities);

#endif
