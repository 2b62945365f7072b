/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a run is: its speed over the steps 101 to 200 of a process. The first hundred are slower, and over a hundred
 * steps a single delay counts little. The time is that of metrics.jsonl: waits for data and checkpoints are included,
 * validation and reconstructions are not. */
#ifndef FOVEA_RUNDIR_THROUGHPUT_H
#define FOVEA_RUNDIR_THROUGHPUT_H

#include "rundir/versions.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t steps; /* applied by this process */
    double seconds, data_wait;
} ThroughputWatch;

enum { THROUGHPUT_STEPS = 100 }; /* timed steps */

/* Counts a step; true at the 200th, when the sums are those of steps 101 to 200. */
bool throughput_count(ThroughputWatch *watch, double seconds, double data_wait);

/* A figure, and what may explain it. */
typedef struct {
    double images_per_s; /* 0: none yet */
    double data_wait;    /* share of the time, 0 .. 1 */
    int micro_batch;
    char host[72], run[128]; /* run: the directory's name */
    Versions versions;
} Throughput;

/* Prints the member "throughput" of run.json; null when there is no figure. */
void throughput_print(const Throughput *throughput, Json *json);
/* Reads that member; no figure when `object` is something else, or NULL. */
void throughput_read(Throughput *throughput, const cJSON *object);

#endif
