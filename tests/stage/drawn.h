/* Drawn discs for the tests of this room: a bright field with vessels on black. Include after cmocka.h. */
#ifndef FOVEA_TEST_DRAWN_H
#define FOVEA_TEST_DRAWN_H

#include "image.h"
#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int height, width;
    double x, y, radius; /* pixels; the first one covers 0 .. 1 */
    double soft;         /* width of the rim, pixels */
    double noise;        /* deviation, levels */
    double cut;          /* beyond this share of the radius above and below, the disc is black; 0: whole */
    double light;        /* factor on the levels; 0 stands for 1 */
    uint64_t eye;        /* which vessels */
    bool common;         /* faint vessels beside a bright spot that every eye has */
} Disc;

/* Waves of two directions, bright and dark, that differ from eye to eye; about -1 .. 1. */
static inline double drawn_vessels(uint64_t eye, double u, double v) {
    enum { WAVES = 12 };
    double sum = 0;
    Random random;
    random_start(&random, 11, RANDOM_TEST, 0, eye);
    for (int i = 0; i < WAVES; i++) {
        const double angle = random_between(&random, 0, 2 * M_PI), waves = random_between(&random, 8, 24);
        sum += sin(waves * (u * cos(angle) + v * sin(angle)) + random_between(&random, 0, 2 * M_PI));
    }
    return sum / sqrt(WAVES * 2.0);
}

static inline Image drawn_disc(const Disc *disc) {
    Image image = {.width = disc->width, .height = disc->height};
    image.pixels = malloc((size_t)disc->height * disc->width * 3);
    assert_non_null(image.pixels);
    Random random;
    random_start(&random, 12, RANDOM_TEST, 0, disc->eye);
    const double light = disc->light > 0 ? disc->light : 1.0;
    static const double colour[3] = {170, 90, 45};
    for (int y = 0; y < disc->height; y++)
        for (int x = 0; x < disc->width; x++) {
            const double u = (x + 0.5 - disc->x) / disc->radius, v = (y + 0.5 - disc->y) / disc->radius;
            double depth = (1 - hypot(u, v)) * disc->radius;
            if (disc->cut > 0)
                depth = fmin(depth, (disc->cut - fabs(v)) * disc->radius);
            const double inside = fmin(1, fmax(0, 0.5 + depth / fmax(disc->soft, 1)));
            double shade = 1 - 0.4 * (u * u + v * v);
            if (inside > 0)
                shade += (disc->common ? 0.04 : 0.15) * drawn_vessels(disc->eye, u, v);
            if (disc->common)
                shade += 0.6 / (1 + exp((hypot(u - 0.4, v) - 0.16) * 40));
            const double grain = disc->noise > 0 ? disc->noise * random_normal(&random) : 0;
            for (int c = 0; c < 3; c++) {
                const double level = 3 + inside * colour[c] * light * shade + grain;
                image.pixels[((size_t)y * disc->width + x) * 3 + c] = (uint8_t)fmin(255, fmax(0, level + 0.5));
            }
        }
    return image;
}

/* One level everywhere. */
static inline Image drawn_flat(int height, int width, uint8_t level) {
    Image image = {.width = width, .height = height, .pixels = malloc((size_t)height * width * 3)};
    assert_non_null(image.pixels);
    memset(image.pixels, level, (size_t)height * width * 3);
    return image;
}

#endif
