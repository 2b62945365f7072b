/* SPDX-License-Identifier: Apache-2.0 */
/* What of a GPU's readings a person should know, in words. */
#ifndef FOVEA_GAUGES_WARNINGS_H
#define FOVEA_GAUGES_WARNINGS_H

#include "gauges/sample.h"
#include "gauges/xid_table.h"

enum { WARNINGS = 20, WARNING_TEXT = 200 };

typedef struct {
    const GaugeSample *sample;
    const GaugeSample *before; /* [before_count] earlier samples, whose order is free; without two of them nothing is
                                  said of what only lasts */
    int before_count;
    double warn_celsius;  /* from which a GPU is too hot; NAN: never */
    const XidTable *xids; /* NULL: none, and error codes have no advice */
    bool works;           /* a job has held it, and run, since the earliest sample */
    double images_per_s;  /* of that job; NAN: not known */
    double others_per_s;  /* the median of other GPUs' jobs with the same configuration; NAN: not known */
} WarningsOf;

typedef struct {
    int count;
    char text[WARNINGS][WARNING_TEXT]; /* each goes on after "GPU 3 ": "is at 88 C: ..." */
} Warnings;

/* In this order: does not answer, heat, throttling, power, memory's errors, error codes, work. */
void warnings_find(const WarningsOf *of, Warnings *warnings);

#endif
