/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a run is, held against the best run of the same configuration on the same kind of device: the steps 101 to
 * 200 of a process, after what is slow at first, and long enough that a hiccup counts little. Their time is
 * metrics.jsonl's: the waits for data and checkpoints are in it, validation and images are not. */
#ifndef FOVEA_RUNDIR_THROUGHPUT_H
#define FOVEA_RUNDIR_THROUGHPUT_H

#include "base/status.h"
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

/* Between which runs a comparison says something. */
typedef struct {
    uint64_t config_hash;
    const char *device; /* its model, for the CPU the machine's */
    int threads;
} ThroughputKey;

/* A figure, and what may have made it. */
typedef struct {
    double images_per_s; /* 0: none yet */
    double data_wait;    /* share of the time, 0 .. 1 */
    int micro_batch;
    char host[72], run[128]; /* run: the directory's name */
    Versions versions;
} Throughput;

/* As in run.json under "throughput": null when there is none. */
void throughput_print(const Throughput *throughput, FILE *out);
/* That of a run.json, `text`, of the same key; none when it has none or is no record. */
void throughput_read(const char *text, size_t size, const ThroughputKey *key, Throughput *throughput);

/* The best of the run directories that lie beside `run_dir`; `best` keeps what it holds when none is better. Those that
 * cannot be read are passed over. */
void throughput_best_beside(const char *run_dir, const ThroughputKey *key, Throughput *best);

/* One line when `now` is under 90 % of `best`: both figures, the run, and what differs; NULL when it is not. The
 * caller's. */
Status throughput_warning(const Throughput *now, const Throughput *best, char **warning) MUST_USE;

#endif
