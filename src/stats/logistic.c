/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/logistic.h"

#include <math.h>

void logistic_softmax(const double *logits, int count, double *out) {
    double most = -INFINITY, total = 0;
    for (int k = 0; k < count; k++)
        most = fmax(most, logits[k]);
    for (int k = 0; k < count; k++)
        total += out[k] = exp(logits[k] - most);
    for (int k = 0; k < count; k++)
        out[k] /= total;
}

double logistic_sigmoid(double logit) {
    const double tail = exp(-fabs(logit));
    return logit >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
}

void logistic_probabilities(const double *logits, int64_t rows, int count, double *probabilities) {
    for (int64_t i = 0; i < rows; i++) {
        if (count > 1) {
            logistic_softmax(logits + i * count, count, probabilities + i * count);
            continue;
        }
        probabilities[2 * i] = logistic_sigmoid(-logits[i]);
        probabilities[2 * i + 1] = logistic_sigmoid(logits[i]);
    }
}
