/* SPDX-License-Identifier: Apache-2.0 */
/* The run's GPU as its driver sees it: who it is, and its readings for the lines of metrics. A thread of its own reads,
 * since a reading takes milliseconds, 40 ms where the driver measures the bus, and seconds on a GPU in trouble: no step
 * waits for it. */
#ifndef FOVEA_TRAIN_GPU_WATCH_H
#define FOVEA_TRAIN_GPU_WATCH_H

#include "base/status.h"
#include "rundir/metrics.h"

typedef struct GpuWatch GpuWatch;

/* The GPU at the PCI address `pci`, and its first reading. *watch is NULL where the driver reports nothing, or `pci` is
 * "": the functions below take that, too. */
Status gpu_watch_open(const char *pci, GpuWatch **watch) MUST_USE;
/* Waits for a reading that is under way. */
void gpu_watch_close(GpuWatch *watch);
/* "": not known. */
const char *gpu_watch_uuid(const GpuWatch *watch);
/* Asks for another reading, and returns at once. */
void gpu_watch_ask(GpuWatch *watch);
/* The newest reading since the call before; when it is not there yet, nothing of it is known. */
void gpu_watch_take(GpuWatch *watch, MetricsGpu *gpu);

#endif
