/* SPDX-License-Identifier: Apache-2.0 */
/* Confidence that a circle is the field of one photograph. */
#ifndef FOVEA_STAGE_CIRCLE_CONFIDENCE_H
#define FOVEA_STAGE_CIRCLE_CONFIDENCE_H

#include "stage/frame/circle_fit.h"
#include "stage/frame/overview.h"

/* 0 .. 1, by the rule in circle.h; the disc is the pixels brighter than the threshold, `contrast` its levels across the
 * rim. */
double circle_confidence(const Overview *overview, const Circle *circle, double threshold, double contrast);

#endif
