/* SPDX-License-Identifier: Apache-2.0 */
/* Smooth random fields over the retina: values on a lattice, blended. The lattice is a table that repeats after
 * NOISE_SIZE cells; octaves are turned against each other so that neither the repeat nor the axes show. */
#ifndef SYNTH_NOISE_H
#define SYNTH_NOISE_H

#include "base/random.h"

enum { NOISE_SIZE = 128 };

typedef struct {
    float table[NOISE_SIZE][NOISE_SIZE]; /* in -1 .. 1 */
} Noise;

void noise_fill(Noise *noise, Random *random);

/* The field at (x, y), one lattice cell a unit; about -1 .. 1, mean 0. Any finite x, y below 2^30. */
float noise_at(const Noise *noise, float x, float y);

/* Sum of `octaves` fields, each of twice the frequency and `gain` times the height of the one before. */
float noise_sum(const Noise *noise, float x, float y, int octaves, float gain);

/* Bright ridges, a net of bands: 1 on the zero lines of the field, falling to 0 away from them. */
float noise_ridge(const Noise *noise, float x, float y);

#endif
