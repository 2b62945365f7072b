/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/grey.h"
#include "ops/ops.h"
#include <string.h>

Status grey_draw(const uint8_t *pixels, int size, bool autofluorescence, uint8_t *grey) {
    const int side = autofluorescence ? size / 2 : size * 6 / 10, at = (size - side) / 2;
    TRY(resize_pixels(pixels, size, size, (Crop){.top = at, .left = at, .height = side, .width = side}, size, size,
                      grey));
    for (size_t i = 0; i < (size_t)size * (size_t)size; i++) {
        const int level = (2 * grey[3 * i] + 2 * grey[3 * i + 1] + grey[3 * i + 2]) / 5;
        memset(grey + 3 * i, autofluorescence ? 255 - level : level, 3);
    }
    return NULL;
}
