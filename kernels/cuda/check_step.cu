/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cuda.cuh"

namespace {

/* One thread: a few bytes, the time of a launch. */
__global__ void check_kernel(const double *losses, int count, const float *norm, StepState *state, float *gate) {
    double loss = 0;
    for (int i = 0; i < count; i++)
        loss += losses[i] / count;
    int verdict = VERDICT_SOUND;
    if (!isfinite(loss))
        verdict = VERDICT_LOSS;
    else if (state->spike > 0 && state->applied >= state->settled && loss > state->spike * state->mean)
        verdict = VERDICT_SPIKE;
    else if (!isfinite(*norm))
        verdict = VERDICT_GRADIENT;
    state->loss = loss;
    state->norm = *norm;
    state->verdict = verdict;
    state->halted |= verdict != VERDICT_SOUND;
    *gate = state->halted ? __int_as_float(0x7fc00000) : *norm;
    if (state->halted)
        return;
    state->mean = isnan(state->mean) ? loss : 0.98 * state->mean + 0.02 * loss;
    state->applied++;
}

} // namespace

void cuda_check_step(Ops *ops, const CheckStep *a) {
    if (ops->error)
        return;
    LAUNCH(ops, "check_step", check_kernel, 1, 1, 0, a->losses, a->count, a->norm, a->state, a->gate);
}
