/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double TERMINAL_SECONDS = 0.5, LOG_SECONDS = 30;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void progress_begin(Progress *progress, int64_t total) {
    *progress = (Progress){.total = total, .started = now(), .shown = now(), .terminal = isatty(STDERR_FILENO) == 1};
}

void progress_show(Progress *progress, bool last) {
    const double time = now(), since = time - progress->shown;
    if (!last && since < (progress->terminal ? TERMINAL_SECONDS : LOG_SECONDS))
        return;
    progress->shown = time;
    const double seconds = time - progress->started > 1e-9 ? time - progress->started : 1e-9;
    const double rate = (double)(progress->done - progress->skipped) / seconds;
    const int64_t eta = rate > 0 ? (int64_t)((double)(progress->total - progress->done) / rate) : 0;
    fprintf(stderr,
            "%s%" PRId64 "/%" PRId64 " files, %.1f files/s, %.1f MB/s, ETA %" PRId64 ":%02d:%02d, %" PRId64
            " quarantined",
            progress->terminal ? "\r\033[K" : "", progress->done, progress->total, rate,
            (double)progress->bytes / seconds / 1e6, eta / 3600, (int)(eta / 60 % 60), (int)(eta % 60),
            progress->quarantined);
    if (last || !progress->terminal)
        fputc('\n', stderr);
    fflush(stderr);
}
