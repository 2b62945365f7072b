/* SPDX-License-Identifier: Apache-2.0 */
#include "data/evaluation_view.h"

#include "image/resize.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RESIZED_SIDE = 20000 };

/* round(gap / 2) as Python rounds: halves to the even neighbour. */
static int centre_offset(int gap) {
    int half = gap / 2;
    return gap % 2 && half % 2 ? half + 1 : half;
}

Status evaluation_view(const Image *image, int size, EvaluationView view, uint8_t *out) {
    bool tall = image->height > image->width;
    int64_t shorter = tall ? image->width : image->height, longer = tall ? image->height : image->width;
    /* Both are exact in integers: size / (224 / 256), and the long side in proportion, cut off. */
    int64_t resized_short = view == VIEW_WHOLE ? size : (int64_t)size * 256 / 224;
    int64_t resized_long = resized_short * longer / shorter;
    if (resized_long > MAX_RESIZED_SIDE)
        return status_error(EXIT_DATA, "an image of %d x %d is too long and narrow to be resized to a short side of %d",
                            image->width, image->height, (int)resized_short);
    int height = (int)(tall ? resized_long : resized_short), width = (int)(tall ? resized_short : resized_long);
    size_t bytes = (size_t)height * width * 3;
    uint8_t *resized = malloc(bytes);
    if (!resized)
        return status_no_memory("a resized image", bytes);
    Crop whole = {.height = image->height, .width = image->width};
    Status status = resize_pixels(image->pixels, image->height, image->width, whole, height, width, resized);
    int top = centre_offset(height - size), left = centre_offset(width - size);
    for (int y = 0; y < size && !status; y++)
        memcpy(out + (size_t)y * size * 3, resized + ((size_t)(top + y) * width + left) * 3, (size_t)size * 3);
    free(resized);
    return status;
}
