/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/fundus.h"

#include "image/resize.h"
#include "pack/row.h"
#include "stage/frame/circle.h"
#include "stage/frame/overview.h"

#include <math.h>

int fundus_min_side(int size) {
    return size * 5 / 2;
}

bool fundus_needs_full(const Image *image, int full_height, int full_width, const Framing *framing, int size) {
    if (image->height == full_height && image->width == full_width)
        return false;
    return framing->crop[2] < 2 * size * overview_factor(full_height, image->height) ||
           framing->crop[3] < 2 * size * overview_factor(full_width, image->width);
}

/* The full frame, centred in a square. */
static void frame_whole(int height, int width, int32_t crop[4]) {
    const int side = height > width ? height : width;
    crop[0] = (height - side) / 2;
    crop[1] = (width - side) / 2;
    crop[2] = crop[3] = side;
}

/* Cameras often centre the circle in the image, so that the square's corner is on a pixel's edge or halfway between
 * two. Fractions up to three quarters are rounded down, so that noise does not give copies of one photograph different
 * squares. */
static int32_t round_corner(double centre, long side) {
    return (int32_t)floor(centre - side / 2.0 + 0.25);
}

static void frame_circle(const float circle[4], int32_t crop[4]) {
    const long side = lround(2.0 * circle[2]);
    crop[0] = round_corner(circle[1], side);
    crop[1] = round_corner(circle[0], side);
    crop[2] = crop[3] = side < 1 ? 1 : (int32_t)side;
}

Status fundus_frame(const Image *image, int full_height, int full_width, FrameKind kind, int size, uint8_t *record,
                    Framing *framing) {
    *framing = (Framing){.flags = kind == FRAME_WHOLE ? PACK_FULL_FRAME : 0};
    if (kind == FRAME_FUNDUS)
        TRY(circle_find(image, full_height, full_width, framing->circle));
    if (kind == FRAME_FUNDUS && framing->circle[3] < CIRCLE_CONFIDENCE)
        framing->flags = PACK_NO_CIRCLE;
    if (framing->flags)
        frame_whole(full_height, full_width, framing->crop);
    else
        frame_circle(framing->circle, framing->crop);
    const double down = overview_factor(full_height, image->height), across = overview_factor(full_width, image->width);
    const Box box = {.top = framing->crop[0] / down,
                     .left = framing->crop[1] / across,
                     .height = framing->crop[2] / down,
                     .width = framing->crop[3] / across};
    return resize_box(image->pixels, image->height, image->width, box, size, size, record);
}
