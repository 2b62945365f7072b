/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the clock of every program, and durations as text. */
#ifndef FOVEA_BASE_CLOCK_H
#define FOVEA_BASE_CLOCK_H

#include <time.h>

/* Seconds on a clock that only goes forward; its start is arbitrary. */
double clock_now(void);
/* Seconds since 1970 began, UTC. */
double clock_date(void);
/* Seconds of processor time that this process, all its threads together, has used. */
double clock_processor(void);
/* The time `seconds` from now, for pthread_cond_timedwait(3). */
struct timespec clock_deadline(double seconds);

enum { CLOCK_TEXT = 32 };

/* A duration as H:MM:SS, rounded to the second. */
void clock_text(double seconds, char text[CLOCK_TEXT]);

#endif
