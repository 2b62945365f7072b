/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/standardise.h"

#include <math.h>
#include <string.h>

/* Row by row, as they lie in memory. A feature that never changes gets the deviation 0 exactly: a double holds the sum
 * of up to 2^29 equal floats without rounding. */
Status standardise_measure(const float *features, int64_t rows, int width, const uint8_t *fit, double *mean,
                           double *deviation) {
    int64_t count = 0;
    memset(mean, 0, (size_t)width * sizeof *mean);
    memset(deviation, 0, (size_t)width * sizeof *deviation);
    for (int64_t row = 0; row < rows; row++) {
        const float *x = features + row * width;
        for (int j = 0; j < width; j++) {
            if (!isfinite(x[j]))
                return status_error(EXIT_DATA, "feature %d of row %lld is %g: it must be finite", j, (long long)row,
                                    (double)x[j]);
            mean[j] += fit[row] ? (double)x[j] : 0;
        }
        count += fit[row] != 0;
    }
    if (!count)
        return status_error(EXIT_DATA, "there is no row to fit");
    for (int j = 0; j < width; j++)
        mean[j] /= (double)count;
    for (int64_t row = 0; row < rows; row++)
        for (int j = 0; j < width && fit[row]; j++) {
            const double way = (double)features[row * width + j] - mean[j];
            deviation[j] += way * way;
        }
    for (int j = 0; j < width; j++)
        deviation[j] = deviation[j] > 0 ? sqrt(deviation[j] / (double)count) : 1;
    return NULL;
}
