/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/mosaic.h"
#include <stddef.h>
#include <string.h>

void mosaic_draw(const uint8_t *pixels, int size, int width, uint8_t *mosaic) {
    const size_t row = 3 * (size_t)size, shift = 3 * (size_t)(width - size);
    memset(mosaic, 0, 3 * (size_t)width * (size_t)size);
    for (size_t y = 0; y < (size_t)size; y++) {
        const uint8_t *from = pixels + y * row;
        uint8_t *to = mosaic + y * (row + shift);
        memcpy(to, from, row);
        for (size_t i = 0; i < row; i++)
            if (from[i] > to[shift + i])
                to[shift + i] = from[i];
    }
}
