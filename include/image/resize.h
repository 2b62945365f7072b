/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing with the same result as Pillow's, to the bit. */
#ifndef FOVEA_IMAGE_RESIZE_H
#define FOVEA_IMAGE_RESIZE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The part of an image that a sample shows, in pixels of the image; `flip` mirrors left and right after resizing. */
typedef struct {
    int top, left, height, width;
    bool flip;
} Crop;

/* One image: cut `crop` out, resize it to out_height x out_width as Pillow's BICUBIC does (a = -0.5, widened when
 * shrinking; horizontal then vertical pass, 8 bits between, 22-bit fixed point), mirror the output if crop.flip. An
 * axis of equal size is copied. Callable from several threads at once; fails only when its scratch memory cannot be
 * allocated. */
Status resize_pixels(const uint8_t *pixels /*[height][width][3]*/, int height, int width, Crop crop, int out_height,
                     int out_width, uint8_t *out /*[out_height][out_width][3]*/) MUST_USE;

/* resize_pixels() of a box that may begin and end within pixels and extend beyond the image, which is black there, as
 * if it had been padded. Pixels that are partly in the box belong to it. The same result as resize_pixels() for a
 * box of whole pixels within the image. */
typedef struct {
    double top, left, height, width; /* pixels; the first one covers 0 .. 1 */
} Box;
Status resize_box(const uint8_t *pixels /*[height][width][3]*/, int height, int width, Box box, int out_height,
                  int out_width, uint8_t *out /*[out_height][out_width][3]*/) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
