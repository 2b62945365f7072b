/* From a photograph to a square record: the circle of the fundus, the square around it, the resized pixels. */
#ifndef FOVEA_STAGE_FUNDUS_H
#define FOVEA_STAGE_FUNDUS_H

#include "image.h"
#include "source.h"

/* What was made of a photograph, in pixels of the full-size source. */
typedef struct {
    float circle[4]; /* as in PackRow */
    int32_t crop[4];
    uint32_t flags; /* PACK_FULL_FRAME, PACK_NO_CIRCLE */
} Framing;

/* The shorter side, in pixels, that a photograph may be decoded at for records of `size`: see image_decode(). */
int fundus_least_side(int size);

/* Finds the circle on the photograph reduced to one fixed scale, refines its edge, and says how sure it is. The result
 * is in pixels of the full size (height x width), whatever scale `image` was decoded at. */
Status fundus_find_circle(const Image *image, int full_height, int full_width, float circle[4]) MUST_USE;

/* A record [size][size][3] of the photograph: FRAME_FUNDUS: the square around the circle, or with low confidence the
 * full frame; FRAME_WHOLE: the full frame. Padded with black to a square, resized with resize_pixels() (antialias). */
Status fundus_frame(const Image *image, int full_height, int full_width, FrameKind kind, int size, uint8_t *record,
                    Framing *framing) MUST_USE;

#endif
