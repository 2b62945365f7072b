/* SPDX-License-Identifier: Apache-2.0 */
/* The circle of the fundus on a photograph. */
#ifndef FOVEA_STAGE_CIRCLE_H
#define FOVEA_STAGE_CIRCLE_H

#include "image/image.h"

/* Below this confidence a photograph counts as having no circle. Drawn photographs, cut flat or not, score 0.98 and
 * more; squares, ovals and diamonds at most 0.32, two photographs side by side 0.22. */
#define CIRCLE_CONFIDENCE 0.6f

/* Finds the circle on the photograph reduced to one fixed scale, refines its edge to the half height of its profile,
 * and rates it: circle[4] is centre x, y, radius and confidence, in pixels of the full size (height x width), whatever
 * scale `image` was decoded at; all 0 when there is nothing like a circle.
 *
 * The confidence is the share of rays from the centre that meet the disc's edge on the circle, of those that meet it
 * there or at a wrong place. Rays do not count where the circle is outside the image, or where they end on a straight
 * cut (circles cut off flat above and below are common). The confidence falls when the edge on the circle covers less
 * than 0.3 of the circumference, when its contrast is below 12 levels, or when bright pixels outside the circle, as of
 * a second photograph beside it, cover more than 0.25 of the area inside. */
Status circle_find(const Image *image, int full_height, int full_width, float circle[4]) MUST_USE;

#endif
