/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest neighbours as an adapter: the 20 train rows of the largest cosine vote by their labels, weighted
 * (stats/knn.h); rows whose label is not known do not. Nothing is fitted and there is nothing to choose, so val rows
 * are predicted alone. The probability of a class is its share of the votes; in EVAL_MULTILABEL each label has votes of
 * its own, and in EVAL_REGRESSION the prediction is the weighted mean of the neighbours' labels. */
#ifndef FOVEA_EVAL_KNN_H
#define FOVEA_EVAL_KNN_H

#include "eval/adapt/adapter.h"

/* features[rows of every later run()][width], finite, not standardised, borrowed; threads at least 1. Close with
 * adapter->close(). */
Status knn_open(const float *features, int width, int threads, Adapter **adapter) MUST_USE;

#endif
