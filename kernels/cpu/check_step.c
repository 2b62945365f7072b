/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"

#include <math.h>

void cpu_check_step(Ops *ops, const CheckStep *a) {
    if (ops->error)
        return;
    StepState *state = a->state;
    double loss = 0;
    for (int i = 0; i < a->count; i++)
        loss += a->losses[i] / a->count;
    state->loss = loss;
    state->norm = *a->norm;
    if (!isfinite(loss))
        state->verdict = VERDICT_LOSS;
    else if (state->spike > 0 && state->applied >= state->settled && loss > state->spike * state->mean)
        state->verdict = VERDICT_SPIKE;
    else
        state->verdict = isfinite(*a->norm) ? VERDICT_SOUND : VERDICT_GRADIENT;
    state->halted |= state->verdict != VERDICT_SOUND;
    *a->gate = state->halted ? NAN : *a->norm;
    if (state->halted)
        return;
    state->mean = isnan(state->mean) ? loss : 0.98 * state->mean + 0.02 * loss;
    state->applied++;
}

OpCost cost_check_step(const CheckStep *a, RealType type) {
    (void)type;
    return cost_bytes((double)sizeof(double) * a->count);
}
