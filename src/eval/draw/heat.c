/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/heat.h"

#include <math.h>

/* Of a pixel that much is the colour. The rest is the image between two greys: its own black and white would make
 * other colours of the first and the last. */
static const double COVER = 0.6, BLACK = 64, WHITE = 192;

static uint8_t cover(uint8_t color, double gray) {
    return (uint8_t)lrint(COVER * color + (1 - COVER) * (BLACK + (WHITE - BLACK) * gray / 255));
}

static uint8_t level_of(double linear) {
    const double l = linear <= 0 ? 0 : linear >= 1 ? 1 : linear;
    return (uint8_t)lrint(255 * (l <= 0.0031308 ? 12.92 * l : 1.055 * pow(l, 1 / 2.4) - 0.055));
}

/* A path through Oklab (Ottosson, 2020), whose lightness is that which is seen: L rises evenly, from blue to yellow (b)
 * by way of red (a). Then to linear RGB by Oklab's two matrices, and to sRGB. */
void heat_color(double value, uint8_t rgb[3]) {
    static const double lab_to_cone[3][2] = {
        {0.3963377774, 0.2158037573}, {-0.1055613458, -0.0638541728}, {-0.0894841775, -1.2914855480}};
    static const double cone_to_rgb[3][3] = {{4.0767416621, -3.3077115913, 0.2309699292},
                                             {-1.2684380046, 2.6097574011, -0.3413193965},
                                             {-0.0041960863, -0.7034186147, 1.7076147010}};
    const double light = 0.25 + 0.67 * value, red = 0.15 * sin(3.14159265 * value) - 0.03 * value,
                 yellow = -0.14 + 0.29 * value;
    double cone[3];
    for (int i = 0; i < 3; i++) {
        const double root = light + lab_to_cone[i][0] * red + lab_to_cone[i][1] * yellow;
        cone[i] = root * root * root;
    }
    for (int i = 0; i < 3; i++)
        rgb[i] = level_of(cone_to_rgb[i][0] * cone[0] + cone_to_rgb[i][1] * cone[1] + cone_to_rgb[i][2] * cone[2]);
}

/* The two middles of patches that a pixel lies between, along one axis, and how far it is from the first. */
static double find_middles(int pixel, int side, int grid, int *first, int *second) {
    const double at = (pixel + 0.5) * grid / side - 0.5, low = floor(at);
    *first = low < 0 ? 0 : (int)low;
    *second = (int)low + 1 < grid ? (int)low + 1 : grid - 1;
    return at - low;
}

static double share_at(const double *shares, int grid, int side, int y, int x) {
    int top, bottom, left, right;
    const double down = find_middles(y, side, grid, &top, &bottom), along = find_middles(x, side, grid, &left, &right);
    const double *upper = shares + top * grid, *lower = shares + bottom * grid;
    return (1 - down) * ((1 - along) * upper[left] + along * upper[right]) +
           down * ((1 - along) * lower[left] + along * lower[right]);
}

void heat_draw(const uint8_t *image, int side, const double *shares, int grid, uint8_t *out) {
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < grid * grid; i++) {
        least = fmin(least, shares[i]);
        most = fmax(most, shares[i]);
    }
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const size_t at = 3 * ((size_t)y * (size_t)side + (size_t)x);
            const double share = share_at(shares, grid, side, y, x);
            const double gray = 0.299 * image[at] + 0.587 * image[at + 1] + 0.114 * image[at + 2];
            uint8_t color[3];
            heat_color(most > least ? (share - least) / (most - least) : 0, color);
            for (int c = 0; c < 3; c++)
                out[at + (size_t)c] = cover(color[c], gray);
        }
}

void draw_heat_key(FILE *out) {
    enum { STEPS = 32, WIDTH = 6, HEIGHT = 12, MIDDLE = 128 };
    fprintf(out,
            "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\"><title>Colours from the least to "
            "the most</title>",
            STEPS * WIDTH, HEIGHT, STEPS * WIDTH, HEIGHT);
    for (int i = 0; i < STEPS; i++) {
        uint8_t rgb[3];
        heat_color((double)i / (STEPS - 1), rgb);
        fprintf(out, "<rect x=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\"/>", i * WIDTH, WIDTH, HEIGHT,
                cover(rgb[0], MIDDLE), cover(rgb[1], MIDDLE), cover(rgb[2], MIDDLE));
    }
    fputs("</svg>", out);
}
