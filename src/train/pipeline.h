/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run on their way through loader, device, guard and monitor. Where the device works asynchronously, the
 * next step starts before the outcome of the last one is known. */
#ifndef FOVEA_TRAIN_PIPELINE_H
#define FOVEA_TRAIN_PIPELINE_H

#include "train/run/run.h"

/* Steps that may be pending when the next one starts: none where the host computes, or the ring has one batch. */
int pipeline_ahead(const Run *run);
/* Waits for the next batch and starts its step. */
Status pipeline_start(Run *run) MUST_USE;
/* Waits for the oldest pending step, counts and reports it. When the guard skips its batch, *applied is false and no
 * step is pending. */
Status pipeline_finish(Run *run, bool *applied) MUST_USE;

#endif
