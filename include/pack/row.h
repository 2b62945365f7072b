/* SPDX-License-Identifier: Apache-2.0 */
/* One record's row in a shard's side tables (docs/pack-format.md). */
#ifndef FOVEA_PACK_ROW_H
#define FOVEA_PACK_ROW_H

#include "base/status.h"

#include <stdint.h>

typedef enum { PACK_SPLIT_NONE, PACK_SPLIT_TRAIN, PACK_SPLIT_VAL, PACK_SPLIT_TEST, PACK_SPLITS } PackSplit;
typedef enum { PACK_EYE_UNKNOWN, PACK_EYE_RIGHT, PACK_EYE_LEFT } PackEye;

/* PackRow.flags */
enum {
    PACK_FULL_FRAME = 1, /* no circle was searched for: a mosaic, or a square infrared or autofluorescence frame */
    PACK_NO_CIRCLE = 2   /* no circle was found with confidence: the full frame was kept */
};

/* Strings are UTF-8 and never NULL; `source` has the bytes of the file's name, whatever they are. */
typedef struct {
    const char *source; /* path of the photograph, relative to the data set's root */
    const char *person, *device, *modality;
    PackEye eye;
    PackSplit split;
    uint8_t sha256[32]; /* of the photograph's file */
    uint64_t checksum;  /* XXH3_64bits of the record's bytes */
    uint64_t phash;     /* perceptual hash, 0 for an image without structure */
    float circle[4];    /* centre x, y, radius (pixels of the photograph), confidence 0 .. 1 */
    int32_t crop[4];    /* top, left, height, width in the photograph; may extend beyond it, where it is black */
    int32_t size[2];    /* height, width of the photograph */
    uint32_t flags;
    const float *labels; /* [label_count], NaN: unknown */
} PackRow;

const char *pack_split_name(PackSplit split); /* "train", ...; "" for none */
/* The reverse; EXIT_DATA for any other text. */
Status pack_split_parse(const char *text, PackSplit *split) MUST_USE;
const char *pack_eye_name(PackEye eye); /* "R", "L", "" */

#endif
