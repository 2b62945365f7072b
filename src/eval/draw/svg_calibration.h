/* SPDX-License-Identifier: Apache-2.0 */
/* Whether predictions are what they say: the mean label of bins of predictions, and how many images are in each. */
#ifndef FOVEA_EVAL_SVG_CALIBRATION_H
#define FOVEA_EVAL_SVG_CALIBRATION_H

#include "eval/draw/svg_lines.h"

/* `numbers`: predictions and labels of EVAL_REGRESSION; else probabilities. The bars below are the images of the first
 * series' bins. */
void draw_calibration(FILE *out, const CurveSeries *series, int count, bool numbers);

#endif
