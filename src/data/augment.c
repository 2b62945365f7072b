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

static float factor(Random *random, double jitter) {
    return (float)random_between(random, 1 - jitter, 1 + jitter);
}

static void draw_colour(Random *random, double jitter, Look *look) {
    static const float weights[3] = {0.299f, 0.587f, 0.114f}, grey = 114;
    const float brightness = factor(random, jitter), contrast = factor(random, jitter), colour = factor(random, jitter);
    for (int c = 0; c < 3; c++) {
        for (int k = 0; k < 3; k++)
            look->colour[c][k] = brightness * contrast * ((1 - colour) * weights[k] + (c == k ? colour : 0));
        look->colour[c][3] = (1 - contrast) * grey;
    }
}

static void draw_erased(Random *random, int size, Look *look) {
    static const double least = 0.02, most = 1.0 / 3, ratio = 0.3;
    for (int tries = 0; tries < TRIES; tries++) {
        const double area = random_between(random, least, most) * size * size;
        const double sides = exp(random_between(random, log(ratio), log(1 / ratio)));
        const int height = (int)rint(sqrt(area * sides)), width = (int)rint(sqrt(area / sides));
        if (height < 1 || width < 1 || height >= size || width >= size)
            continue;
        look->height = height;
        look->width = width;
        look->top = (int)random_below(random, (uint32_t)(size - height) + 1);
        look->left = (int)random_below(random, (uint32_t)(size - width) + 1);
        return;
    }
}

Look random_look(Random *random, const LookRange *range, int size) {
    Look look = {0};
    draw_colour(random, range->jitter, &look);
    if (random_uniform(random) < range->erase)
        draw_erased(random, size, &look);
    return look;
}
