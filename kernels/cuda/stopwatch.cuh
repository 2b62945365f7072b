/* SPDX-License-Identifier: Apache-2.0 */
/* How long a way to compute takes on the device. Under emulation kernels/emu/stopwatch.cc takes the place of
 * stopwatch.cu: work is done, but its time is made up, so that tests choose the same every time. */
#ifndef FOVEA_STOPWATCH_CUH
#define FOVEA_STOPWATCH_CUH

#include "kernels/cuda/cuda.cuh"

/* Does `work` on the compute stream some times and waits. `key` and `way` tell which work it is. False when work
 * returned false, or the device failed: that is the table's failure then. Not while work is captured. */
bool stopwatch_run(Ops *ops, const char *key, int way, bool (*work)(const void *context), const void *context,
                   double *seconds);

/* The same for a function object. */
template <typename Work> bool stopwatch(Ops *ops, const char *key, int way, const Work &work, double *seconds) {
    return stopwatch_run(
        ops, key, way, [](const void *context) -> bool { return (*(const Work *)context)(); }, &work, seconds);
}

#endif
