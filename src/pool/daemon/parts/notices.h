/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the rule's `notify` program: each gets one event as JSON on its standard input. Nothing waits for them: a
 * few run at once, each for NOTICE_SECONDS at most, and when too many wait the later ones are dropped. */
#ifndef FOVEA_POOL_DAEMON_PARTS_NOTICES_H
#define FOVEA_POOL_DAEMON_PARTS_NOTICES_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { NOTICE_SECONDS = 10, NOTICES_AT_ONCE = 4, NOTICES_WAITING = 64 };

typedef struct {
    struct {
        pid_t pid;    /* 0: none */
        double until; /* clock_now() */
    } running[NOTICES_AT_ONCE];
    char *waiting[NOTICES_WAITING]; /* [count] JSON */
    int count;
    int dropped;
} Notices;

typedef struct {
    double time;
    const char *node, *event, *text;
    int64_t job; /* 0: none */
    int gpu;     /* -1: none */
} Notice;

/* Queues a call. */
void notices_add(Notices *notices, const Notice *notice);
/* Reaps, ends and starts calls of `program`. To be called often while notices_busy(). */
void notices_work(Notices *notices, const char *program);
bool notices_busy(const Notices *notices);
/* Drops what waits; what runs goes on. */
void notices_close(Notices *notices);

#endif
