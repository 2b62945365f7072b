/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/signals.h"

#include <time.h>

/* nohup starts a program with SIGHUP ignored. A blocked signal would be delivered to sigtimedwait() nevertheless. */
static bool is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGINT);
    if (!is_ignored(SIGHUP))
        sigaddset(&set, SIGHUP);
    return set;
}

void signals_block(Signals *signals) {
    sigset_t set = stop_signals();
    signals->blocked = pthread_sigmask(SIG_BLOCK, &set, &signals->before) == 0;
}

static int take_pending(void) {
    sigset_t set = stop_signals();
    struct timespec now = {0};
    int number = sigtimedwait(&set, NULL, &now);
    return number > 0 ? number : 0;
}

int signals_poll(Signals *signals) {
    if (!signals->blocked)
        return 0;
    int number = take_pending();
    if (number) {
        sigset_t second;
        sigemptyset(&second);
        sigaddset(&second, SIGINT);
        pthread_sigmask(SIG_UNBLOCK, &second, NULL);
    }
    return number;
}

const char *signals_name(int number) {
    switch (number) {
    case SIGTERM:
        return "SIGTERM";
    case SIGUSR1:
        return "SIGUSR1";
    case SIGINT:
        return "SIGINT";
    case SIGHUP:
        return "SIGHUP";
    default:
        return "a signal";
    }
}

void signals_release(Signals *signals) {
    if (!signals->blocked)
        return;
    while (take_pending())
        ;
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    signals->blocked = false;
}
