/* SPDX-License-Identifier: Apache-2.0 */
/* The loss curve as an image: metrics.jsonl drawn as a standalone SVG, readable on a light and on a dark background. */
#ifndef FOVEA_RUNDIR_LOSS_CURVE_H
#define FOVEA_RUNDIR_LOSS_CURVE_H

#include "base/status.h"

/* Draws the training and validation losses in the file `metrics` to `path`; empty axes when it has none. */
Status loss_curve_write(const char *metrics, const char *path) MUST_USE;

/* The distance between ticks for about `wanted` of them over `span` > 0: 1, 2 or 5 times a power of ten. */
double loss_curve_tick(double span, int wanted);

#endif
