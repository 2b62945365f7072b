/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/phash.h"

#include <math.h>
#include <string.h>

enum {
    SIDE = 64,
    REACH = 12,   /* the Gaussian's, three deviations */
    LOWEST = 6,   /* half waves across the image */
    HIGHEST = 15, /* enough for 128 pairs of frequencies from LOWEST on */
    BITS = 64
};
static const float DEVIATION = 4.0f; /* of the Gaussian, pixels of SIDE: wider than vessels, narrower than the disc */
static const float INNER = 0.9f;     /* share of the record's radius that counts */
static const float DARK = 0.3f;      /* of the middle's median: darker pixels are not retina, as at flat cuts */
static const float MIN_NOISE = 1.0f; /* levels: smaller variation is not amplified */

typedef float Plane[SIDE][SIDE];

/* Grey means over boxes of size / SIDE pixels a side, whole or not. */
static void reduce_to_grey(const uint8_t *record, int size, Plane grey) {
    static const float weights[3] = {0.299f, 0.587f, 0.114f}; /* ITU-R BT.601 */
    const double step = (double)size / SIDE;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const double top = y * step, bottom = top + step, left = x * step, right = left + step;
            double sum = 0;
            for (int i = (int)top; i < size && i < bottom; i++) {
                const double height = fmin(bottom, i + 1) - fmax(top, i);
                for (int j = (int)left; j < size && j < right; j++) {
                    const uint8_t *pixel = record + ((size_t)i * size + j) * 3;
                    const float level = weights[0] * pixel[0] + weights[1] * pixel[1] + weights[2] * pixel[2];
                    sum += height * (fmin(right, j + 1) - fmax(left, j)) * level;
                }
            }
            grey[y][x] = (float)(sum / (step * step));
        }
}

/* Gaussian blur, zeros beyond the image. */
static void blur_plane(Plane from, float deviation, Plane to) {
    float weights[2 * REACH + 1], total = 0;
    for (int k = -REACH; k <= REACH; k++)
        total += weights[k + REACH] = expf(-0.5f * (float)(k * k) / (deviation * deviation));
    Plane across;
    memset(across, 0, sizeof across);
    memset(to, 0, sizeof across);
    for (int y = 0; y < SIDE; y++)
        for (int k = -REACH; k <= REACH; k++)
            for (int x = k < 0 ? -k : 0; x < (k < 0 ? SIDE : SIDE - k); x++)
                across[y][x] += weights[k + REACH] / total * from[y][x + k];
    for (int y = 0; y < SIDE; y++)
        for (int k = y < REACH ? -y : -REACH; k <= REACH && y + k < SIDE; k++)
            for (int x = 0; x < SIDE; x++)
                to[y][x] += weights[k + REACH] / total * across[y + k][x];
}

/* Distance of a pixel from the image's middle, relative to half its side. */
static float radius_of(int y, int x) {
    return hypotf((x + 0.5f) * 2 / SIDE - 1, (y + 0.5f) * 2 / SIDE - 1);
}

/* The median level within half the radius, to 1/16 of a level. */
static float middle_level(Plane grey) {
    enum { FINE = 16 };
    int counts[256 * FINE + 1] = {0}, total = 0, below = 0, level = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (radius_of(y, x) < 0.5f) {
                counts[(int)(grey[y][x] * FINE)]++;
                total++;
            }
    while ((below += counts[level]) * 2 < total)
        level++;
    return (float)level / FINE;
}

/* Subtracts the local mean and normalises the local contrast within the part that counts, fading towards its rim. */
static void normalise_contrast(Plane grey) {
    Plane counts, weight, mean, square;
    const float dark = DARK * middle_level(grey);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            counts[y][x] = radius_of(y, x) < INNER && grey[y][x] > dark;
            grey[y][x] *= counts[y][x];
        }
    blur_plane(counts, DEVIATION, weight);
    blur_plane(grey, DEVIATION, mean);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            grey[y][x] = counts[y][x] ? grey[y][x] - mean[y][x] / weight[y][x] : 0.0f;
            square[y][x] = grey[y][x] * grey[y][x];
        }
    blur_plane(square, DEVIATION, mean);
    blur_plane(counts, DEVIATION / 2, square);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (counts[y][x])
                grey[y][x] *= square[y][x] / sqrtf(mean[y][x] / weight[y][x] + MIN_NOISE * MIN_NOISE);
}

/* The lowest HIGHEST x HIGHEST frequencies of the cosine transform (II). */
static void cosine_transform(Plane plane, float out[HIGHEST][HIGHEST]) {
    float waves[HIGHEST][SIDE], rows[HIGHEST][SIDE] = {{0}};
    for (int k = 0; k < HIGHEST; k++)
        for (int i = 0; i < SIDE; i++)
            waves[k][i] = (float)cos(M_PI * (2 * i + 1) * k / (2.0 * SIDE));
    for (int k = 0; k < HIGHEST; k++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                rows[k][x] += waves[k][y] * plane[y][x];
    for (int k = 0; k < HIGHEST; k++)
        for (int l = 0; l < HIGHEST; l++) {
            out[k][l] = 0;
            for (int x = 0; x < SIDE; x++)
                out[k][l] += waves[l][x] * rows[k][x];
        }
}

uint64_t phash(const uint8_t *record, int size) {
    Plane plane;
    float frequencies[HIGHEST][HIGHEST];
    reduce_to_grey(record, size, plane);
    normalise_contrast(plane);
    cosine_transform(plane, frequencies);
    uint64_t hash = 0;
    int seen = 0;
    /* Rising frequencies, every other one: neighbours are correlated. */
    for (int square = LOWEST * LOWEST; seen < 2 * BITS; square++)
        for (int k = 0; k < HIGHEST && seen < 2 * BITS; k++)
            for (int l = 0; l < HIGHEST && seen < 2 * BITS; l++) {
                if (k * k + l * l != square)
                    continue;
                if (seen % 2 == 0 && frequencies[k][l] > 0)
                    hash |= (uint64_t)1 << seen / 2;
                seen++;
            }
    return hash;
}

double phash_likeness(const uint8_t *a, int size_a, const uint8_t *b, int size_b) {
    Plane left, right;
    double both = 0, lefts = 0, rights = 0;
    reduce_to_grey(a, size_a, left);
    reduce_to_grey(b, size_b, right);
    normalise_contrast(left);
    normalise_contrast(right);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            both += (double)left[y][x] * right[y][x];
            lefts += (double)left[y][x] * left[y][x];
            rights += (double)right[y][x] * right[y][x];
        }
    return lefts > 0 && rights > 0 ? both / sqrt(lefts * rights) : 0;
}
