/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers and writers of images share; private to this room. */
#ifndef FOVEA_IMAGE_CODEC_H
#define FOVEA_IMAGE_CODEC_H

#include "image/image.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h> /* jpeglib.h needs it and does not say so */

#include <jpeglib.h>

/* Looks at what a header claims before anything is taken for it: no side over 20,000, no more pixels than `file_bytes`
 * bytes of any image file can hold. */
Status image_check_size(const char *name, uint64_t width, uint64_t height, size_t file_bytes) MUST_USE;

/* Takes the pixels of a width x height image that image_check_size() let pass. */
Status image_allocate(Image *image, const char *name, int width, int height) MUST_USE;

/* Decode a whole file in memory; `full` gets the undiminished size, without pixels. On failure the caller frees
 * whatever `image` holds. */
Status image_decode_jpeg(Image *image, const char *name, const uint8_t *data, size_t size, const ImageDecode *how,
                         Image *full) MUST_USE;
Status image_decode_png(Image *image, const char *name, const uint8_t *data, size_t size, Image *full) MUST_USE;

/* libjpeg's errors as a jump with a message. Its warnings tell of decoders that guessed, and jump as well. */
typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
} JpegFailure;

/* Returns what `err` of a libjpeg object is set to; the caller then sets `escape`. */
struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure);

#endif
