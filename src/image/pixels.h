/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the pixels of an image whose size a file's header claims. */
#ifndef FOVEA_IMAGE_PIXELS_H
#define FOVEA_IMAGE_PIXELS_H

#include "image/image.h"

/* Checks what a header claims before memory is allocated for it: no side over 20,000, no more pixels than `file_bytes`
 * bytes of any image file can hold. */
Status pixels_check_size(const char *name, uint64_t width, uint64_t height, size_t file_bytes) MUST_USE;

/* Allocates the pixels of a width x height image that passed pixels_check_size(). */
Status pixels_allocate(Image *image, const char *name, int width, int height) MUST_USE;

#endif
