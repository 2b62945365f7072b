/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/host_clock.h"

#include <math.h>

/* A clock that was an hour wrong is caught up with in ten, and a limit of two hours is wrong by twelve minutes at most.
 */
#define MOST_DRIFT 0.1

void host_clock_start(HostClock *clock, double passed, double date, double seen) {
    *clock = (HostClock){.time = isnan(seen) ? date : fmax(date, seen), .passed = passed};
}

double host_clock_read(HostClock *clock, double passed, double date) {
    const double elapsed = fmax(passed - clock->passed, 0);
    const double error = date - (clock->time + elapsed), most = MOST_DRIFT * elapsed;
    clock->time += elapsed + fmin(fmax(error, -most), most);
    clock->passed = passed;
    return clock->time;
}
