/* SPDX-License-Identifier: Apache-2.0 */
/* libjpeg's errors as a jump with a message. Warnings that pixels were lost jump, too; others are kept. */
#ifndef FOVEA_IMAGE_JPEG_FAILURE_H
#define FOVEA_IMAGE_JPEG_FAILURE_H

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h> /* jpeglib.h needs it and does not include it */

#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg passes a pointer to it */
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
    char warning[JMSG_LENGTH_MAX]; /* the first that costs no pixel; "": none */
} JpegFailure;

/* Returns the value for a libjpeg object's `err`; the caller then sets `escape`. */
struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure);

#endif
