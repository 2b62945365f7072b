/* SPDX-License-Identifier: Apache-2.0 */
/* A photograph reduced to one small fixed scale, the same from whatever scale it was decoded at. */
#ifndef FOVEA_STAGE_OVERVIEW_H
#define FOVEA_STAGE_OVERVIEW_H

#include "image/image.h"

/* The longer side of an overview: 1/8 of a photograph of 3,000 pixels. Smaller images stay as they are. */
enum { OVERVIEW_SIDE = 384 };

typedef struct {
    int width, height;
    double step;  /* pixels of the full size along one pixel of the overview, 1 or more */
    float *level; /* [height][width], 0 .. 255: the brightest of the three channels' means; free() */
} Overview;

/* How many full-size pixels a decoded one is wide (or high). A JPEG decoded at 1/2, 1/4 or 1/8 has ceil(full / n)
 * pixels, of which the last may reach beyond the image, so n is not full / decoded to the last digit. */
double overview_factor(int full, int decoded);

/* Means over boxes of step x step full-size pixels; a decoded pixel that two boxes share counts by its area in each. */
Status overview_make(const Image *image, int full_height, int full_width, Overview *overview) MUST_USE;

#endif
