/* SPDX-License-Identifier: Apache-2.0 */
/* The loss curve as an image: metrics.jsonl drawn as a standalone SVG, readable on light and on dark ground. */
#ifndef FOVEA_RUNDIR_LOSS_CURVE_H
#define FOVEA_RUNDIR_LOSS_CURVE_H

#include "base/status.h"

/* Reads training and validation losses from the file `metrics` and writes the curve to `path`. A file without a loss
 * gives empty axes. */
Status loss_curve_write(const char *metrics, const char *path) MUST_USE;

/* The distance between ticks that puts about `wanted` of them over `span` > 0: 1, 2 or 5 times a power of ten. */
double loss_curve_tick(double span, int wanted);

#endif
