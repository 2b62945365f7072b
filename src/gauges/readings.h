/* SPDX-License-Identifier: Apache-2.0 */
/* The readings of one GPU. */
#ifndef FOVEA_GAUGES_READINGS_H
#define FOVEA_GAUGES_READINGS_H

#include "gauges/nvml.h"
#include "gauges/sample.h"

/* The bus' counters at the sample before, whose growth is its rate. */
typedef struct {
    bool known;
    double time; /* clock_now() */
    double sent, received;
} ReadingsBefore;

/* Fills the sample, in which nothing is known yet, with what the GPU reports, and sets `known`, or `lost` and `why`.
 * Asks a GPU that is lost no more. */
void readings_take(const Nvml *nvml, NvmlDevice *device, ReadingsBefore *before, GaugeSample *sample);

#endif
