/* SPDX-License-Identifier: Apache-2.0 */
/* The linear probe as an adapter: logistic regression, softmax for classes (ordered or not), ridge regression for
 * numbers, each label of several by itself, on features standardised by the train rows. A strength of the grid is
 * chosen on the val rows by AUROC (of classes the macro mean, one against the rest) or RMSE, of equals the stronger
 * penalty, and what was fitted on the train rows alone predicts. */
#ifndef FOVEA_EVAL_LINEAR_H
#define FOVEA_EVAL_LINEAR_H

#include "eval/adapt/adapter.h"

/* features[rows of every later run()][width], finite, borrowed; threads at least 1. Close with adapter->close(). */
Status linear_open(const float *features, int width, int threads, Adapter **adapter) MUST_USE;

/* What run() chose for the first set and this output: C of logistic regression, alpha of ridge regression. NAN before
 * run() has succeeded. */
double linear_strength(const Adapter *adapter, int output);

#endif
