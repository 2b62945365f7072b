/* SPDX-License-Identifier: Apache-2.0 */
/* What gauges say of a GPU's health: too hot for jobs, or broken. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_GPU_HEALTH_H
#define FOVEA_POOL_SCHEDULE_GPUS_GPU_HEALTH_H

#include "pool/schedule/state/state.h"

/* After an observation: at warn_celsius no job starts, at stop_celsius its job stops with a checkpoint; a GPU that is
 * lost or damaged is quarantined, and its job goes elsewhere. Inside a transaction. */
Status gpu_health_check(Schedule *schedule, int index) MUST_USE;

#endif
