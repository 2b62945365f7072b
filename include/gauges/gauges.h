/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's GPUs report about themselves: the one place that calls NVML, which comes with the driver and is
 * opened at run time. */
#ifndef FOVEA_GAUGES_GAUGES_H
#define FOVEA_GAUGES_GAUGES_H

#include "base/status.h"
#include "gauges/sample.h"

enum { GAUGE_UUID = 80, GAUGE_NAME = 96, GAUGE_PCI = 32 };

typedef struct {
    char uuid[GAUGE_UUID], name[GAUGE_NAME];
    char pci[GAUGE_PCI]; /* "0000:3b:00.0" */
    int minor;           /* of its device node; -1: not known */
} GaugeGpu;

typedef struct Gauges Gauges;

/* Opens NVML. Without its library, without a driver or without a GPU there are no GPUs and gauges_missing() says why:
 * that is no error. EXIT_NO_MEMORY. */
Status gauges_open(Gauges **gauges) MUST_USE;
void gauges_close(Gauges *gauges);
int gauges_count(const Gauges *gauges);
/* Why there are none: "libnvidia-ml.so.1 is not installed"; "" when there are some. */
const char *gauges_missing(const Gauges *gauges);
/* Version of the driver; "" when it is not known. */
const char *gauges_driver(const Gauges *gauges);
const GaugeGpu *gauges_gpu(const Gauges *gauges, int index);
/* The GPU that `name` names by UUID, or by PCI address in any usual form; -1: none. */
int gauges_find(const Gauges *gauges, const char *name);
/* Reads a GPU; can take seconds when it is in trouble. */
void gauges_sample(Gauges *gauges, int index, GaugeSample *sample);

#endif
