/* SPDX-License-Identifier: Apache-2.0 */
/* What of a run in FP8 is beyond its range: told in metrics.jsonl, and a layer that goes there again and again is left
 * to BF16 for good. Looked at after every FP8_WATCH steps, counted from the run's first, and decided by what the
 * checkpoint holds: a run that was interrupted decides as one that was not. */
#ifndef FOVEA_TRAIN_FP8_WATCH_H
#define FOVEA_TRAIN_FP8_WATCH_H

#include "model/fp8.h"
#include "train/monitor/monitor.h"

/* A step whose values are beyond the range is in the history of the next: its scale has room again for up to twice the
 * largest, for gradients for 16 times. To overflow in every fourth step all the same, values must grow 16 times within
 * 16 steps, gradients by orders more. Four such steps are no accident, and a layer loses little by 16 steps in which
 * some values saturate. */
enum { FP8_WATCH = 16, FP8_WATCH_MOST = 4 };

/* In how many of the last FP8_WATCH steps one of a layer's tensors overflowed. */
int fp8_watch_overflows(const Fp8Scale scales[FP8_TENSORS]);

/* Tells of the steps since it was called last, and turns layers off. Waits for the device. */
Status fp8_watch(Fp8 *fp8, Monitor *monitor, int64_t step) MUST_USE;

#endif
