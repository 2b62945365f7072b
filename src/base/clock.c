/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

static double read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double clock_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

double clock_date(void) {
    return read_clock(CLOCK_REALTIME);
}

double clock_processor(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

struct timespec clock_deadline(double seconds) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    const double whole = floor(seconds);
    time.tv_sec += (time_t)whole;
    time.tv_nsec += (long)((seconds - whole) * 1e9);
    if (time.tv_nsec >= 1000000000) {
        time.tv_nsec -= 1000000000;
        time.tv_sec++;
    }
    return time;
}

void clock_text(double seconds, char text[CLOCK_TEXT]) {
    const int64_t whole = (int64_t)(seconds + 0.5);
    snprintf(text, CLOCK_TEXT, "%" PRId64 ":%02d:%02d", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
}
