/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a run is: the steps 101 to 200 of a process, after what is slow at first, and long enough that a hiccup
 * counts little. Their time is that of metrics.jsonl: waits for data and checkpoints are included, validation and
 * images are not. */
#ifndef FOVEA_RUNDIR_THROUGHPUT_H
#define FOVEA_RUNDIR_THROUGHPUT_H

#include "rundir/versions.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t steps; /* of this process, applied ones */
    double seconds, data_wait;
} ThroughputWatch;

enum { THROUGHPUT_STEPS = 100 }; /* that are timed */

/* Counts a step; true at the 200th, when the sums are those of steps 101 to 200. */
bool throughput_count(ThroughputWatch *watch, double seconds, double data_wait);

/* A figure, and what may have made it. */
typedef struct {
    double images_per_s; /* 0: none yet */
    double data_wait;    /* share of the time, 0 .. 1 */
    int micro_batch;
    char host[72], run[128]; /* run: the directory's name */
    Versions versions;
} Throughput;

/* The member "throughput" of run.json; null when there is none. */
void throughput_print(const Throughput *throughput, Json *json);
/* Reads it; none from anything else, NULL included. */
void throughput_read(Throughput *throughput, const cJSON *object);

#endif
