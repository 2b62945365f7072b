/* SPDX-License-Identifier: Apache-2.0 */
/* Values beyond FP8's range: metrics.jsonl reports them, and a layer that overflows repeatedly switches to BF16 for
 * good. The check follows every FP8_WATCH steps, counted from the run's first, and depends only on what the checkpoint
 * contains: an interrupted run decides like an uninterrupted one. */
#ifndef FOVEA_TRAIN_FP8_WATCH_H
#define FOVEA_TRAIN_FP8_WATCH_H

#include "model/fp8.h"
#include "train/monitor/monitor.h"

/* After a step that overflows, the next scale has room for up to twice the largest value, for gradients 16 times. To
 * overflow in every fourth step nevertheless, values must grow 16 times within 16 steps, gradients by orders more. Four
 * such steps are no accident, and 16 steps in which some values saturate cost a layer little. */
enum { FP8_WATCH = 16, FP8_WATCH_MAX_OVERFLOWS = 4 };

/* In how many of the last FP8_WATCH steps one of a layer's tensors overflowed. */
int fp8_watch_overflows(const Fp8Scale scales[FP8_TENSORS]);

/* Reports the steps since the last call, and turns layers off. Waits for the device. */
Status fp8_watch(Fp8 *fp8, Monitor *monitor, int64_t step) MUST_USE;

#endif
