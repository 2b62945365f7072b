/* SPDX-License-Identifier: Apache-2.0 */
/* The grey frames of other lights than white, made of a drawn colour image. */
#ifndef SYNTH_GREY_H
#define SYNTH_GREY_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* Infrared and autofluorescence frames are square, grey, and show another field than the colour image: the middle of
 * it, for autofluorescence with light and dark changed, as the disc is dark there. `pixels` and `grey` [size][size][3].
 */
Status grey_draw(const uint8_t *pixels, int size, bool autofluorescence, uint8_t *grey) MUST_USE;

#endif
