/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run on their way through loader, device, guard and monitor: where the device works behind the host's
 * back, the next one is started before the last one is known. */
#ifndef FOVEA_TRAIN_PIPELINE_H
#define FOVEA_TRAIN_PIPELINE_H

#include "train/run/run.h"

/* Steps that may be under way when the next one starts: none where the host computes, or the ring holds one batch. */
int pipeline_ahead(const Run *run);
/* Waits for the next batch and starts its step. */
Status pipeline_start(Run *run) MUST_USE;
/* Waits for the oldest step under way, counts and reports it. When the guard passes its batch over, *applied is false
 * and nothing is under way any more. */
Status pipeline_settle(Run *run, bool *applied) MUST_USE;

#endif
