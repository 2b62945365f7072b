/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"

#include <math.h>

void cpu_judge_step(Ops *ops, const double *losses, int count, const float *norm, StepState *state, float *gate) {
    if (ops->error)
        return;
    double loss = 0;
    for (int i = 0; i < count; i++)
        loss += losses[i] / count;
    state->loss = loss;
    state->norm = *norm;
    if (!isfinite(loss))
        state->verdict = VERDICT_LOSS;
    else if (state->spike > 0 && state->applied >= state->settled && loss > state->spike * state->mean)
        state->verdict = VERDICT_SPIKE;
    else
        state->verdict = isfinite(*norm) ? VERDICT_SOUND : VERDICT_GRADIENT;
    state->halted |= state->verdict != VERDICT_SOUND;
    *gate = state->halted ? NAN : *norm;
    if (state->halted)
        return;
    state->mean = isnan(state->mean) ? loss : 0.98 * state->mean + 0.02 * loss;
    state->applied++;
}
