/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads: how many make sense, starting them, and how OpenMP's threads wait. */
#ifndef FOVEA_BASE_THREADS_H
#define FOVEA_BASE_THREADS_H

#include "base/status.h"

#include <pthread.h>

/* Cores that this process can use: those it may run on (taskset, Slurm), limited to the processor time that its control
 * groups grant, rounded up. At least 1. */
int threads_available(void);
/* The same, with /proc and /sys read below `root`. */
int threads_available_in(const char *root);

typedef struct {
    pthread_t *list;
    int count; /* that were started */
} Threads;

/* Starts `count` threads for `what`, with all signals blocked: the main thread handles signals. EXIT_NO_MEMORY when not
 * all could be started; those that were are in *threads. Call threads_join() in either case. */
Status threads_start(Threads *threads, int count, const char *what, void *(*work)(void *), void *context) MUST_USE;
/* Waits until all threads have returned. */
void threads_join(Threads *threads);

/* Makes OpenMP's threads go to sleep soon after they run out of work, and returns; called first in main().
 *
 * GCC's libgomp lets them spin for milliseconds by default, which takes the processor from threads that have work:
 * those that decode, the checkpoint's writer, another rank or job. With such a load a training step took ten times as
 * long. libgomp reads its settings when it is loaded, so the program replaces itself once with GOMP_SPINCOUNT in its
 * environment (same process, same arguments); the user's own GOMP_SPINCOUNT or OMP_WAIT_POLICY is kept. */
void threads_wait_passively(char **arguments);

#endif
