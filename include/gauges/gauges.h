/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's GPUs report about themselves: the one place that calls NVML, which comes with the driver and is
 * opened at run time. A reading that a GPU, a driver or an error does not give is marked as not known, never 0. All
 * structs are flat, so that one process can read them and hand them to another. */
#ifndef FOVEA_GAUGES_GAUGES_H
#define FOVEA_GAUGES_GAUGES_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { GAUGE_PROCESSES = 64, GAUGE_UUID = 80, GAUGE_NAME = 96, GAUGE_PCI = 32, GAUGE_WHY = 96, GAUGE_XIDS = 8 };

/* Why the clocks are lower than they could be. Idling is no reason. */
typedef enum {
    THROTTLE_POWER_CAP = 1 << 0,
    THROTTLE_SOFTWARE_THERMAL = 1 << 1,
    THROTTLE_HARDWARE_THERMAL = 1 << 2,
    THROTTLE_POWER_BRAKE = 1 << 3,
    THROTTLE_HARDWARE = 1 << 4, /* slowed down by hardware for a reason that is none of these */
} Throttle;

typedef struct {
    char uuid[GAUGE_UUID], name[GAUGE_NAME];
    char pci[GAUGE_PCI]; /* "0000:3b:00.0" */
    int minor;           /* of its device node; -1: not known */
} GaugeGpu;

typedef struct {
    int64_t pid;
    int64_t memory; /* bytes; -1: not reported */
} GaugeProcess;

typedef struct {
    double time; /* clock_date() */
    bool known;  /* the GPU answered; false: only `why` and `lost` are set */
    bool lost;   /* it has fallen off the bus, or needs a reset */
    char why[GAUGE_WHY];
    double util;                       /* percent of the last moments with a kernel running; NAN: not reported */
    int64_t memory_used, memory_total; /* bytes; -1: not reported (unified memory, MIG) */
    int process_count;                 /* of those that use it; -1: not reported; may be above GAUGE_PROCESSES */
    GaugeProcess processes[GAUGE_PROCESSES];
    double celsius, memory_celsius; /* NAN: not reported, here and below */
    double celsius_limit;           /* at which the hardware slows down */
    double watts, watts_cap;
    double pcie_to_gpu, pcie_from_gpu;      /* bytes/s */
    int throttle;                           /* of Throttle; -1: not reported */
    int64_t ecc_corrected, ecc_uncorrected; /* since the driver was loaded; -1: not reported */
    int64_t remapped_rows;                  /* -1: not reported */
    bool remap_pending, remap_failed;
    double joules;        /* since the driver was loaded */
    int xids[GAUGE_XIDS]; /* [xid_count] error codes since the sample before */
    int xid_count;
} GaugeSample;

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
/* A sample of which nothing is known, for the reason `why`. */
void gauges_unknown(GaugeSample *sample, double time, const char *why);

#endif
