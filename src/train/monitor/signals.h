/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that stop a run, polled instead of handled: they are blocked before any thread starts, every thread
 * inherits the mask, and the loop polls after each step. Without a handler there is no global flag. */
#ifndef FOVEA_TRAIN_SIGNALS_H
#define FOVEA_TRAIN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef struct {
    sigset_t before; /* the caller's mask */
    bool blocked;
} Signals;

/* Blocks SIGTERM, SIGUSR1, SIGINT and, unless it is ignored (nohup), SIGHUP in the calling thread. Call it before any
 * thread starts. */
void signals_block(Signals *signals);
/* The number of a pending signal; 0: none. After the first one SIGINT is unblocked: a second Ctrl-C ends the program at
 * once. */
int signals_poll(Signals *signals);
const char *signals_name(int number);
/* Discards pending signals and restores the caller's mask. */
void signals_release(Signals *signals);

#endif
