/* SPDX-License-Identifier: Apache-2.0 */
/* A wide image put together from several views, as a camera's mosaic is. */
#ifndef SYNTH_MOSAIC_H
#define SYNTH_MOSAIC_H

#include <stdint.h>

/* The image [size][size][3] at the left and once more at the right end of `mosaic` [size][width][3], the brighter of
 * both where they overlap; width >= size. */
void mosaic_draw(const uint8_t *pixels, int size, int width, uint8_t *mosaic);

#endif
