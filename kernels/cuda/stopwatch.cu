/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/stopwatch.cuh"

/* The shortest of several rounds, since disturbances only make a round longer; several runs a round, since one alone
 * would mostly measure the launch of a small kernel. Cached tensors favour all variants alike. Before the rounds one
 * run tells what cannot win: neither a disturbance nor the launch makes a run a quarter and 50 us longer than the time
 * to beat. */
enum { ROUNDS = 3, RUNS = 4 };
static const double HOPELESS = 1.25, LAUNCHED = 50e-6;

static const char *const TIMING = "timing a variant";

typedef struct {
    bool (*work)(const void *);
    const void *context;
    cudaEvent_t from, to;
} Timed;

/* The seconds of a run, on average. */
static bool time_round(Ops *ops, const Timed *timed, int runs, double *seconds) {
    float milliseconds = 0;
    if (!cuda_check(ops, TIMING, cudaEventRecord(timed->from, cuda_context(ops)->stream)))
        return false;
    for (int run = 0; run < runs; run++)
        if (!timed->work(timed->context))
            return false;
    const bool fine = cuda_check(ops, TIMING, cudaEventRecord(timed->to, cuda_context(ops)->stream)) &&
                      cuda_check(ops, TIMING, cudaEventSynchronize(timed->to)) &&
                      cuda_check(ops, TIMING, cudaEventElapsedTime(&milliseconds, timed->from, timed->to));
    *seconds = milliseconds / 1e3 / runs;
    return fine;
}

bool stopwatch_run(Ops *ops, const char *, int, bool (*work)(const void *), const void *context, double *seconds) {
    /* Once to warm up: kernels are loaded, scratch memory grows, and choices within this variant are made. */
    if (!work(context))
        return false;
    const double to_beat = *seconds;
    Timed timed = {work, context, NULL, NULL};
    bool fine = cuda_check(ops, TIMING, cudaEventCreate(&timed.from)) &&
                cuda_check(ops, TIMING, cudaEventCreate(&timed.to)) && time_round(ops, &timed, 1, seconds);
    for (int round = 0; fine && round < ROUNDS && (round || *seconds <= HOPELESS * to_beat + LAUNCHED); round++) {
        double taken = 0;
        fine = time_round(ops, &timed, RUNS, &taken);
        if (round == 0 || taken < *seconds)
            *seconds = taken;
    }
    for (cudaEvent_t event : {timed.from, timed.to})
        if (event && cudaEventDestroy(event) != cudaSuccess)
            (void)cudaGetLastError(); /* the next call reports the failure */
    return fine;
}
