/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_history.h"

#include <math.h>

void answer_history_add(AnswerHistory *history, int gpu, const GaugeSample *sample) {
    AnswerSamples *samples = &history->gpus[gpu];
    samples->list[samples->next] = *sample;
    samples->next = (samples->next + 1) % ANSWER_SAMPLES;
    samples->count += samples->count < ANSWER_SAMPLES;
}

double answer_samples_from(const AnswerSamples *samples) {
    double from = INFINITY;
    for (int i = 0; i < samples->count; i++)
        from = fmin(from, samples->list[i].time);
    return from;
}
