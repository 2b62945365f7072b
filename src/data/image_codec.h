/* What the readers and writers of pictures share; private to this room. */
#ifndef FOVEA_IMAGE_CODEC_H
#define FOVEA_IMAGE_CODEC_H

#include "image.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h> /* jpeglib.h needs it and does not say so */

#include <jpeglib.h>

/* Takes the pixels of a width x height picture, after all that a header may claim has been checked: more than
 * 20,000 a side, or more pixels than `file_bytes` bytes of any picture file can hold. */
Status image_allocate(Image *image, const char *path, uint64_t width, uint64_t height, size_t file_bytes) MUST_USE;

/* Decode a whole file in memory. On failure the caller frees whatever `image` holds. */
Status image_decode_jpeg(Image *image, const char *path, const uint8_t *data, size_t size) MUST_USE;
Status image_decode_png(Image *image, const char *path, const uint8_t *data, size_t size) MUST_USE;

/* libjpeg's errors as a jump with a message. Its warnings tell of decoders that guessed, and jump as well. */
typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
} JpegFailure;

/* Returns what `err` of a libjpeg object is set to; the caller then sets `escape`. */
struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure);

#endif
