/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's time. It is the date at the start plus the time that has passed, and is drawn towards the machine's date
 * by at most a tenth of the time that passes: a clock that is set, in either direction, neither ends a job at its limit
 * nor lets it run for ever, and the ledger never goes back. */
#ifndef FOVEA_POOL_DAEMON_PARTS_HOST_CLOCK_H
#define FOVEA_POOL_DAEMON_PARTS_HOST_CLOCK_H

typedef struct {
    double time;   /* of the last reading */
    double passed; /* clock_now() then */
} HostClock;

/* `seen`: the time of a daemon before this one, which the time starts at least at; NAN: there was none. */
void host_clock_start(HostClock *clock, double passed, double date, double seen);
/* The pool's time, from clock_now() and clock_date(). */
double host_clock_read(HostClock *clock, double passed, double date);

#endif
