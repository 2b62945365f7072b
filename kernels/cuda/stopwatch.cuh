/* SPDX-License-Identifier: Apache-2.0 */
/* How long a variant takes on the device. Under emulation kernels/emu/stopwatch.cc replaces stopwatch.cu: it does the
 * work, but invents its time, so that tests choose the same every time. */
#ifndef FOVEA_STOPWATCH_CUH
#define FOVEA_STOPWATCH_CUH

#include "kernels/cuda/cuda.cuh"

/* Does `work` on the compute stream several times and waits; a few times only when it is clearly slower than *seconds,
 * the time to beat, INFINITY for none. `key` and `variant` identify the work. False when work returned false, or the
 * device failed, which is the table's failure then. Not while work is captured. */
bool stopwatch_run(Ops *ops, const char *key, int variant, bool (*work)(const void *context), const void *context,
                   double *seconds);

/* The same for a function object. */
template <typename Work> bool stopwatch(Ops *ops, const char *key, int variant, const Work &work, double *seconds) {
    return stopwatch_run(
        ops, key, variant, [](const void *context) -> bool { return (*(const Work *)context)(); }, &work, seconds);
}

#endif
