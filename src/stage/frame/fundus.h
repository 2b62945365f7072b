/* SPDX-License-Identifier: Apache-2.0 */
/* From a photograph to a square record: the circle of the fundus, the square around it, the resized pixels. */
#ifndef FOVEA_STAGE_FUNDUS_H
#define FOVEA_STAGE_FUNDUS_H

#include "image/image.h"
#include "stage/source/source.h"

/* Counts up when the rules here make other records of some photograph, so that no pack mixes two. */
enum { FUNDUS_RULE = 2 };

/* Below this confidence no circle was found: the full frame is kept. Drawn photographs, cut flat or not, have 0.98 and
 * more; squares, ovals and diamonds 0.32 at most, two photographs side by side 0.22. */
#define FUNDUS_CONFIDENCE 0.6f

/* What was made of a photograph, in pixels of the full-size source; the first one covers 0 .. 1. */
typedef struct {
    float circle[4]; /* as in PackRow; zeros when nothing like one was there */
    int32_t crop[4]; /* a square: top, left, height, width; beyond the image it is black */
    uint32_t flags;  /* PACK_FULL_FRAME, PACK_NO_CIRCLE */
} Framing;

/* The shorter side, in pixels, that a photograph may be decoded at for records of `size`: see image_decode(). A circle
 * as wide as 0.8 of that side then has twice the pixels that its record has. */
int fundus_least_side(int size);

/* Whether the square of `framing` has too few pixels in `image`, decoded at a smaller scale (fewer than twice the
 * record's): decode at full size and frame again. */
bool fundus_needs_full(const Image *image, int full_height, int full_width, const Framing *framing, int size);

/* Finds the circle on the photograph reduced to one fixed scale, refines its edge to the half height of its profile,
 * and says how sure it is: circle[4] is centre x, y, radius and confidence, in pixels of the full size (height x
 * width), whatever scale `image` was decoded at; all 0 when nothing like a circle is there.
 *
 * The confidence is the share of rays from the centre that meet the disc's edge on the circle, of those that meet it
 * there or at a wrong place; not counted are rays whose part of the circle lies beyond the image, or that end on a
 * straight cut (circles cut off flat above and below are common). It falls when the edge on the circle is less than 0.3
 * of the circumference, its step less than 12 levels, or what is bright beyond the circle, as of a second photograph
 * beside, more than 0.25 of the area within. */
Status fundus_find_circle(const Image *image, int full_height, int full_width, float circle[4]) MUST_USE;

/* A record [size][size][3] of the photograph: FRAME_FUNDUS: the square around the circle, or with a confidence below
 * FUNDUS_CONFIDENCE the full frame (PACK_NO_CIRCLE); FRAME_WHOLE: the full frame (PACK_FULL_FRAME). Padded with black
 * to a square, resized with resize_box() (antialias). */
Status fundus_frame(const Image *image, int full_height, int full_width, FrameKind kind, int size, uint8_t *record,
                    Framing *framing) MUST_USE;

#endif
