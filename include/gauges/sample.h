/* SPDX-License-Identifier: Apache-2.0 */
/* What a GPU reports about itself at one time. A reading that the GPU, its driver or an error does not give is marked
 * as not known, never 0. The struct is flat, so that one process can read it and hand it to another. */
#ifndef FOVEA_GAUGES_SAMPLE_H
#define FOVEA_GAUGES_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum { GAUGE_PROCESSES = 64, GAUGE_WHY = 96, GAUGE_XIDS = 8 };

/* Why the clocks are lower than they could be. Idling is no reason. */
typedef enum {
    THROTTLE_POWER_CAP = 1 << 0,
    THROTTLE_SOFTWARE_THERMAL = 1 << 1,
    THROTTLE_HARDWARE_THERMAL = 1 << 2,
    THROTTLE_POWER_BRAKE = 1 << 3,
    THROTTLE_HARDWARE = 1 << 4, /* slowed down by hardware for a reason that is none of these */
} Throttle;

typedef struct {
    int64_t pid;
    int64_t memory; /* bytes; -1: not reported */
} GaugeProcess;

typedef struct {
    double time; /* clock_date() */
    bool known;  /* the GPU answered; false: only `why`, `lost` and the XIDs are set */
    bool lost;   /* it has fallen off the bus, or needs a reset */
    char why[GAUGE_WHY];
    double util;                       /* percent of the last moments with a kernel running; NAN: not reported */
    int64_t memory_used, memory_total; /* bytes; -1: not reported (unified memory, MIG) */
    bool memory_failed;                /* not reported because of an error: it has memory of its own */
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

/* A sample of which nothing is known, for the reason `why`. */
void gauges_unknown(GaugeSample *sample, double time, const char *why);

#endif
