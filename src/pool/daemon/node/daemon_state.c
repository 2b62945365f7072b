/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/node/daemon_state.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Seconds until an event that the database could not take is tried again. */
#define RETRY 1.0

double daemon_now(Daemon *daemon) {
    return host_clock_read(&daemon->clock, clock_now(), clock_date());
}

bool daemon_check(Daemon *daemon, Status status) {
    if (!status) {
        if (daemon->failure[0] && clock_now() > daemon->retry) {
            fprintf(stderr, "pool: the database takes changes again\n");
            daemon->failure[0] = '\0';
        }
        return true;
    }
    char failure[POOL_REASON];
    snprintf(failure, sizeof failure, "%s", status_message(status));
    if (strcmp(failure, daemon->failure) != 0)
        fprintf(stderr, "pool: %s\n", failure);
    memcpy(daemon->failure, failure, sizeof failure);
    daemon->retry = clock_now() + RETRY;
    status_free(status);
    return false;
}
