/* SPDX-License-Identifier: Apache-2.0 */
/* What a run reports: progress on standard output, in place on a terminal and line by line elsewhere, and
 * metrics.jsonl. */
#ifndef FOVEA_TRAIN_MONITOR_H
#define FOVEA_TRAIN_MONITOR_H

#include "base/progress.h"
#include "train/monitor/gpu_watch.h"
#include "train/objective/validation.h"
#include <stdbool.h>

/* One step's figures. */
typedef struct {
    int64_t step; /* completed, from 1 */
    double epoch, loss, lr, grad_norm;
    double seconds, data_wait, checkpoint_wait; /* wall time of the step, and the parts spent waiting */
    int queue;                                  /* full batches in the ring when the step asked for one */
    uint64_t bytes_read, bytes_copied;          /* from packs, and to the device, by this process so far */
    int64_t bad_records, checkpoints_skipped;
} StepFigures;

typedef struct {
    Metrics metrics;
    Progress progress; /* on standard output */
    int64_t every, total_steps;
    int global_batch;
    double mfu_per_rate;    /* MFU at one image a second, set after opening; NAN: unknown and not shown */
    GpuWatch *gpu;          /* whose readings are in the lines, set after opening; borrowed; NULL: none */
    double started;         /* clock_now() when the run began */
    double step_seconds;    /* running mean of a step's time, for the remaining time */
    int64_t interval_steps; /* since the last line of metrics */
    double interval_seconds, interval_loss, interval_data, interval_checkpoint, interval_queue;
    uint64_t interval_read, interval_copied; /* bytes when the interval began */
    struct {
        int64_t steps; /* since the last check */
        double seconds, data_wait;
        int64_t warned; /* step of the last warning; 0: none */
    } starving;
} Monitor;

/* A run warns when its device waits for data for more than this share of this many steps; it repeats the warning after
 * so many steps. */
#define MONITOR_WAIT_SHARE 0.02
enum { MONITOR_WAIT_STEPS = 100, MONITOR_WAIT_AGAIN = 1000 };

Status monitor_open(Monitor *monitor, const char *metrics_path, int64_t every, int64_t total_steps, int global_batch,
                    int64_t last_step) MUST_USE;
void monitor_close(Monitor *monitor);

/* Shows on a terminal how many of `count` records are in the device's cache. */
void monitor_caching(Monitor *monitor, int64_t there, int64_t count);
/* Shows the step, and writes a line of metrics every `every` steps and after the last. */
Status monitor_step(Monitor *monitor, const StepFigures *figures) MUST_USE;
/* `metric`: the figure to show; `probe`: another, if the validation has it; "": none. */
Status monitor_validation(Monitor *monitor, int64_t step, const Validation *validation, const char *metric,
                          const char *probe) MUST_USE;
/* Steps after `last_step` were undone: removes their lines and restarts the interval. */
Status monitor_undo(Monitor *monitor, int64_t last_step) MUST_USE;
/* Prints a line of its own, above the live line. */
void monitor_note(Monitor *monitor, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
