/* SPDX-License-Identifier: Apache-2.0 */
/* The last samples of each GPU: what only lasts is worth a warning. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_HISTORY_H
#define FOVEA_POOL_ANSWER_ANSWER_HISTORY_H

#include "gauges/sample.h"
#include "pool/limits.h"

enum { ANSWER_SAMPLES = 6 };

typedef struct {
    GaugeSample list[ANSWER_SAMPLES]; /* [count], in no order */
    int count, next;
} AnswerSamples;

typedef struct {
    AnswerSamples gpus[POOL_GPUS]; /* in the rule's order */
} AnswerHistory;

/* Keeps a copy in place of the oldest. */
void answer_history_add(AnswerHistory *history, int gpu, const GaugeSample *sample);
/* The time of the earliest; INFINITY without one. */
double answer_samples_from(const AnswerSamples *samples);

#endif
