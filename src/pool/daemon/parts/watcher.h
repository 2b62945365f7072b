/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side of the process that reads gauges. A process that leaves a question unanswered for WATCHER_PATIENCE
 * is killed, its GPUs are unknown, and another one is started. */
#ifndef FOVEA_POOL_DAEMON_PARTS_WATCHER_H
#define FOVEA_POOL_DAEMON_PARTS_WATCHER_H

#include "pool/daemon/parts/gauge_reader.h"

#include <sys/types.h>

/* Seconds: for an answer; between two starts; for the driver to open. */
enum { WATCHER_PATIENCE = 5, WATCHER_PAUSE = 30, WATCHER_OPENING = 60 };

typedef struct {
    pid_t pid;            /* 0: no process */
    pid_t killed;         /* one that has not been reaped: a driver that hangs keeps it; 0: none */
    int input, output;    /* of the process, this side's ends; -1 */
    double started;       /* clock_now(), here and below */
    double asked;         /* the last question or answer */
    bool open[POOL_GPUS]; /* questions without an answer */
    int open_count;
    GaugeAnswer answer; /* [size] bytes of it have come */
    size_t size;
} Watcher;

/* Starts the process and waits for what it says of the node by the rule at `path` ("": the default); `again`: the pool
 * was served before. Its refusals are this function's; EXIT_MISSING: the driver does not answer. */
Status watcher_open(Watcher *watcher, const char *path, bool again, GaugeHello *hello) MUST_USE;
/* Ends the process. */
void watcher_close(Watcher *watcher);
/* Asks for a sample unless that question is open. */
void watcher_ask(Watcher *watcher, int gpu, const char *uuid);
/* Takes a sample that has come, or one of which nothing is known where the process failed. False: none is there. To be
 * called when `output` is readable, and at the time of watcher_next(). */
bool watcher_take(Watcher *watcher, int *gpu, GaugeSample *sample);
/* clock_now() at which an open question has waited too long; INFINITY: none is open. */
double watcher_next(const Watcher *watcher);

#endif
