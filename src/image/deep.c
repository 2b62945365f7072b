/* SPDX-License-Identifier: Apache-2.0 */
#include "image/deep.h"

#include <stdio.h>

enum { DEEPEST = 16, SHALLOWEST = 8 };

static int count_bits(unsigned largest, int stated) {
    if (!largest)
        return DEEPEST;
    if (stated >= SHALLOWEST)
        return largest >> stated ? DEEPEST : stated;
    for (int bits = SHALLOWEST; bits < DEEPEST; bits += 2) /* the depths of sensors */
        if (!(largest >> bits))
            return bits;
    return DEEPEST;
}

void deep_convert(Image *image, const uint16_t *values, int components, int stated, ImageFacts *facts) {
    const size_t pixels = (size_t)image->width * (size_t)image->height, count = pixels * (size_t)components;
    unsigned largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    const int bits = count_bits(largest, stated);
    if (bits < DEEPEST)
        snprintf(facts->warning, sizeof facts->warning, "16-bit values that never exceed %u, read as %d bits%s",
                 largest, bits, stated == bits ? ", which the file states" : "");
    for (size_t i = 0; i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++)
            image->pixels[i * 3 + channel] =
                (uint8_t)(values[components == 1 ? i : i * 3 + channel] >> (bits - SHALLOWEST));
}
