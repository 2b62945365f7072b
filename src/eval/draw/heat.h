/* SPDX-License-Identifier: Apache-2.0 */
/* What counts where in an image, as colours over it: from a dark blue by red to a light yellow. Lightness rises all the
 * way, so that those who do not see the colours, and paper, have the order too. */
#ifndef FOVEA_EVAL_HEAT_H
#define FOVEA_EVAL_HEAT_H

#include <stdint.h>
#include <stdio.h>

/* The colour of 0 to 1. */
void heat_color(double value, uint8_t rgb[3]);

/* Draws an image [side][side][3] in grey under the colours of `shares` [grid][grid], from the least of them at 0 to the
 * most at 1, linear between the middles of patches, into `out` [side][side][3]. Equal shares have the colour of 0. */
void heat_draw(const uint8_t *image, int side, const double *shares, int grid, uint8_t *out);

/* The colours in their order, over a middle grey, as an SVG. */
void draw_heat_key(FILE *out);

#endif
