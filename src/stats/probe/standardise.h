/* SPDX-License-Identifier: Apache-2.0 */
/* Features on one scale: less the mean, over the standard deviation. */
#ifndef FOVEA_STATS_STANDARDISE_H
#define FOVEA_STATS_STANDARDISE_H

#include "base/status.h"

#include <stdint.h>

/* mean[width] and deviation[width], the population standard deviation (1 where that is 0), of the rows of
 * features[rows][width] for which `fit` is set. EXIT_DATA naming the row of a feature that is not finite, whether or
 * not `fit` is set, or when `fit` is set for none. */
Status standardise_measure(const float *features, int64_t rows, int width, const uint8_t *fit, double *mean,
                           double *deviation) MUST_USE;

#endif
