/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that ask a run to stop, polled instead of handled: they are blocked before any thread starts, so that
 * every thread inherits the mask and the loop asks at the end of each step. No handler, hence no global flag. */
#ifndef FOVEA_TRAIN_SIGNALS_H
#define FOVEA_TRAIN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef struct {
    sigset_t before; /* the caller's mask */
    bool blocked;
} Signals;

/* Blocks SIGTERM, SIGUSR1 and SIGINT in the calling thread. Before any thread is started. */
void signals_block(Signals *signals);
/* The number of a signal that has come in, 0 when there is none. After the first one SIGINT is let through again, so
 * that a second Ctrl-C ends the program at once. */
int signals_poll(Signals *signals);
const char *signals_name(int number);
/* Drops what is still pending and restores the caller's mask. */
void signals_release(Signals *signals);

#endif
