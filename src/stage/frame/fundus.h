/* SPDX-License-Identifier: Apache-2.0 */
/* From a photograph to a square record: the circle of the fundus, the square around it, the resized pixels. */
#ifndef FOVEA_STAGE_FUNDUS_H
#define FOVEA_STAGE_FUNDUS_H

#include "image/image.h"

/* Incremented when a change of the rules here, or of the findings of a photograph, changes the outcome of any
 * photograph: a pack staged by another rule is refused, so that none mixes two. */
enum { FUNDUS_RULE = 3 };

/* How a photograph becomes a square. */
typedef enum {
    FRAME_FUNDUS, /* a circle on black: the square around it is cut out */
    FRAME_WHOLE   /* a mosaic, or an infrared or autofluorescence frame: the whole frame, padded to a square */
} FrameKind;

/* The frame of a record, in pixels of the full-size photograph. */
typedef struct {
    float circle[4]; /* as in PackRow; zeros without a circle */
    int32_t crop[4]; /* a square: top, left, height, width; black outside the image */
    uint32_t flags;  /* PACK_FULL_FRAME, PACK_NO_CIRCLE */
} Framing;

/* The shorter side, in pixels, at which a photograph may be decoded for records of `size` (ImageDecode). A circle of
 * 0.8 of that side then has twice the record's pixels. */
int fundus_min_side(int size);

/* Whether the square of `framing` has fewer than twice the record's pixels in `image`, which was decoded at a smaller
 * scale: then decode at full size and frame again. */
bool fundus_needs_full(const Image *image, int full_height, int full_width, const Framing *framing, int size);

/* Makes the record [size][size][3] of a photograph. FRAME_FUNDUS: the square around the circle, or with a confidence
 * below CIRCLE_CONFIDENCE the full frame (PACK_NO_CIRCLE). FRAME_WHOLE: the full frame (PACK_FULL_FRAME). Padded with
 * black to a square and resized with resize_box() (antialias). */
Status fundus_frame(const Image *image, int full_height, int full_width, FrameKind kind, int size, uint8_t *record,
                    Framing *framing) MUST_USE;

#endif
