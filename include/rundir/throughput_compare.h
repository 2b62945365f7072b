/* SPDX-License-Identifier: Apache-2.0 */
/* A run's throughput beside the best run of the same configuration on the same kind of device. */
#ifndef FOVEA_RUNDIR_THROUGHPUT_COMPARE_H
#define FOVEA_RUNDIR_THROUGHPUT_COMPARE_H

#include "base/status.h"
#include "rundir/run_summary.h"
#include "rundir/throughput.h"

#include <stdbool.h>
#include <stdint.h>

/* Runs with equal keys can be compared. */
typedef struct {
    uint64_t config_hash;
    const char *device; /* its model, for the CPU the machine's */
    int threads;
} ThroughputKey;

bool throughput_comparable(const RunSummary *summary, const ThroughputKey *key);

/* The best of the run directories beside `run_dir`; `best` stays as it is when none is better. Directories that cannot
 * be read are skipped. */
void throughput_best_beside(const char *run_dir, const ThroughputKey *key, Throughput *best);

/* One line when `now` is under 90 % of `best`: both figures, the run, and what differs; otherwise NULL. The
 * caller's. */
Status throughput_warning(const Throughput *now, const Throughput *best, char **warning) MUST_USE;

#endif
