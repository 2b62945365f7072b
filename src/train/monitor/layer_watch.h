/* SPDX-License-Identifier: Apache-2.0 */
/* The monitors of a run's layers: every `monitor.every` steps a line of metrics.jsonl, a note when something is found,
 * and at the end a summary. All does nothing while it is not open. */
#ifndef FOVEA_TRAIN_LAYER_WATCH_H
#define FOVEA_TRAIN_LAYER_WATCH_H

#include "rundir/run_summary.h"
#include "train/monitor/health.h"
#include "train/monitor/judge.h"
#include "train/monitor/monitor.h"

typedef struct {
    Health *health; /* NULL: not open */
    Judge judge;
} LayerWatch;

Status layer_watch_open(LayerWatch *watch, Objective *objective, Optimizer *optimizer, Ops *ops) MUST_USE;
void layer_watch_close(LayerWatch *watch);
/* Finds again what the run's earlier processes found: from the open metrics, and the guard's events before
 * `next_batch`. */
Status layer_watch_continue(LayerWatch *watch, const Monitor *monitor, const RunSummary *earlier,
                            uint64_t next_batch) MUST_USE;

/* Looks at the layers after a step that was applied, while none is pending. Waits. *found: whether something is new. */
Status layer_watch_step(LayerWatch *watch, Monitor *monitor, int64_t step, bool *found) MUST_USE;
/* Steps were undone, and their lines removed. */
Status layer_watch_undo(LayerWatch *watch, const Monitor *monitor) MUST_USE;
/* The guard found that a tensor is not finite at a step. */
Status layer_watch_guard(LayerWatch *watch, const char *tensor, int64_t step) MUST_USE;
/* Prints what was found, once more. */
void layer_watch_conclude(const LayerWatch *watch, Monitor *monitor);

#endif
