/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads: how many make sense, starting them, and how OpenMP's threads wait. */
#ifndef FOVEA_BASE_THREADS_H
#define FOVEA_BASE_THREADS_H

#include "base/status.h"

#include <pthread.h>

/* Cores that this process can use: those it may run on (taskset, Slurm), but no more than the processor time that its
 * control groups grant, rounded up. At least 1. */
int threads_available(void);
/* The same, with /proc and /sys looked up below `root`. */
int threads_available_in(const char *root);

typedef struct {
    pthread_t *list;
    int count; /* that were started */
} Threads;

/* Starts `count` threads for `what`, all signals blocked in them: those are the main thread's business. EXIT_NO_MEMORY
 * when not all could be started; those that were are in *threads. Ended by threads_join() in either case. */
Status threads_start(Threads *threads, int count, const char *what, void *(*work)(void *), void *context) MUST_USE;
/* Waits until all threads have returned. */
void threads_join(Threads *threads);

/* Makes OpenMP's threads go to sleep soon after they run out of work, and returns; called first in main().
 *
 * GCC's libgomp lets them spin for milliseconds by default, which takes the processor from whatever has work to do: the
 * decoding threads, the checkpoint's writer, another rank or job. Beside such a load a training step took ten times as
 * long. libgomp reads its settings when it is loaded, so the program replaces itself once with GOMP_SPINCOUNT in its
 * environment (same process, same arguments); a GOMP_SPINCOUNT or OMP_WAIT_POLICY of the user's stays as it is. */
void threads_wait_passively(char **arguments);

#endif
