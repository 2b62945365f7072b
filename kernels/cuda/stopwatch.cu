/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/stopwatch.cuh"

/* The shortest of several rounds, since disturbances only make a round longer; several runs a round, since one alone
 * would mostly measure the launch of a small kernel. Cached tensors favour all variants alike. */
enum { ROUNDS = 3, RUNS = 4 };

static const char *const TIMING = "timing a variant";

static bool time_round(Ops *ops, bool (*work)(const void *), const void *context, cudaEvent_t from, cudaEvent_t to,
                       float *milliseconds) {
    if (!cuda_check(ops, TIMING, cudaEventRecord(from, cuda_context(ops)->stream)))
        return false;
    for (int run = 0; run < RUNS; run++)
        if (!work(context))
            return false;
    return cuda_check(ops, TIMING, cudaEventRecord(to, cuda_context(ops)->stream)) &&
           cuda_check(ops, TIMING, cudaEventSynchronize(to)) &&
           cuda_check(ops, TIMING, cudaEventElapsedTime(milliseconds, from, to));
}

bool stopwatch_run(Ops *ops, const char *, int, bool (*work)(const void *), const void *context, double *seconds) {
    /* Once to warm up: kernels are loaded, scratch memory grows, and choices within this variant are made. */
    if (!work(context))
        return false;
    cudaEvent_t from = NULL, to = NULL;
    bool fine = cuda_check(ops, TIMING, cudaEventCreate(&from)) && cuda_check(ops, TIMING, cudaEventCreate(&to));
    for (int round = 0; fine && round < ROUNDS; round++) {
        float milliseconds = 0;
        fine = time_round(ops, work, context, from, to, &milliseconds);
        const double taken = milliseconds / 1e3 / RUNS;
        if (round == 0 || taken < *seconds)
            *seconds = taken;
    }
    for (cudaEvent_t event : {from, to})
        if (event && cudaEventDestroy(event) != cudaSuccess)
            (void)cudaGetLastError(); /* the next call reports the failure */
    return fine;
}
