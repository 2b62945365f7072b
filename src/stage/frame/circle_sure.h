/* SPDX-License-Identifier: Apache-2.0 */
/* How sure it is that a circle is the field of one photograph. */
#ifndef FOVEA_STAGE_CIRCLE_SURE_H
#define FOVEA_STAGE_CIRCLE_SURE_H

#include "stage/frame/circle_fit.h"
#include "stage/frame/overview.h"

/* 0 .. 1, by the rule that fundus.h tells; the disc is what is brighter than the threshold, `contrast` its step of
 * levels across the rim. */
double circle_confidence(const Overview *overview, const Circle *circle, double threshold, double contrast);

#endif
