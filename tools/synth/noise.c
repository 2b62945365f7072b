/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/noise.h"
#include <math.h>

void noise_fill(Noise *noise, Random *random) {
    for (int y = 0; y < NOISE_SIZE; y++)
        for (int x = 0; x < NOISE_SIZE; x++)
            noise->table[y][x] = 2.0f * random_uniform(random) - 1.0f;
}

float noise_at(const Noise *noise, float x, float y) {
    float left = floorf(x), top = floorf(y);
    float u = x - left, v = y - top;
    /* Flat at the lattice points, so that no crease runs along the cells. */
    u = u * u * u * (u * (6.0f * u - 15.0f) + 10.0f);
    v = v * v * v * (v * (6.0f * v - 15.0f) + 10.0f);
    unsigned column = (unsigned)(int)left % NOISE_SIZE, next = (column + 1) % NOISE_SIZE;
    unsigned row = (unsigned)(int)top % NOISE_SIZE;
    const float *upper = noise->table[row], *lower = noise->table[(row + 1) % NOISE_SIZE];
    float above = upper[column] + u * (upper[next] - upper[column]);
    float below = lower[column] + u * (lower[next] - lower[column]);
    return above + v * (below - above);
}

float noise_sum(const Noise *noise, float x, float y, int octaves, float gain) {
    float sum = 0.0f, height = 1.0f;
    for (int octave = 0; octave < octaves; octave++) {
        sum += height * noise_at(noise, x, y);
        height *= gain;
        /* Twice the frequency, turned by 37 degrees, moved off the lattice's origin. */
        float turned = 1.6f * x - 1.2f * y + 17.3f;
        y = 1.2f * x + 1.6f * y + 5.7f;
        x = turned;
    }
    return sum;
}

float noise_ridge(const Noise *noise, float x, float y) {
    float height = 1.0f - 2.2f * fabsf(noise_at(noise, x, y));
    return height > 0.0f ? height : 0.0f;
}
