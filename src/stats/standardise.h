/* SPDX-License-Identifier: Apache-2.0 */
/* Features on one scale: less the mean, over the standard deviation. */
#ifndef FOVEA_STATS_STANDARDISE_H
#define FOVEA_STATS_STANDARDISE_H

#include "base/status.h"

#include <stdint.h>

/* out[rows][width] from features[rows][width], with the mean and the population standard deviation (1 where that is 0)
 * of the rows for which `fit` is set. EXIT_DATA naming the row of a feature that is not finite, or when `fit` is set
 * for none. */
Status standardise(const float *features, int64_t rows, int width, const uint8_t *fit, double *out) MUST_USE;

#endif
