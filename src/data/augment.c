/* SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"

#include <math.h>

enum { TRIES = 10 };

static int at_least_one(double side) {
    return side < 1 ? 1 : (int)side;
}

/* The largest central box within the ratios: the whole image unless it is too tall or too wide. */
static Crop central_crop(const CropRange *range, int height, int width) {
    double ratio = (double)width / height;
    Crop crop = {.height = height, .width = width};
    if (ratio < range->ratio_min)
        crop.height = at_least_one(rint(width / range->ratio_min));
    else if (ratio > range->ratio_max)
        crop.width = at_least_one(rint(height * range->ratio_max));
    crop.top = (height - crop.height) / 2;
    crop.left = (width - crop.width) / 2;
    return crop;
}

/* One try: false when the box drawn does not fit. Sides are rounded half to even, as Python does. */
static bool draw_crop(Random *random, const CropRange *range, int height, int width, Crop *crop) {
    double area = (double)height * width * random_between(random, range->scale_min, range->scale_max);
    double ratio = exp(random_between(random, log(range->ratio_min), log(range->ratio_max)));
    double w = rint(sqrt(area * ratio)), h = rint(sqrt(area / ratio));
    if (!(w >= 1 && w <= width && h >= 1 && h <= height))
        return false;
    *crop = (Crop){.height = (int)h, .width = (int)w};
    crop->top = (int)random_below(random, (uint32_t)(height - crop->height) + 1);
    crop->left = (int)random_below(random, (uint32_t)(width - crop->width) + 1);
    return true;
}

Crop random_resized_crop(Random *random, const CropRange *range, int height, int width) {
    Crop crop;
    bool fits = false;
    for (int tries = 0; tries < TRIES && !fits; tries++)
        fits = draw_crop(random, range, height, width, &crop);
    if (!fits)
        crop = central_crop(range, height, width);
    crop.flip = random_uniform(random) < range->flip;
    return crop;
}
