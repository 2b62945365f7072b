/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/file_progress.h"

#include "base/clock.h"

#include <inttypes.h>

static const double TERMINAL_SECONDS = 0.5, LOG_SECONDS = 30;

void file_progress_begin(FileProgress *progress, int64_t total) {
    *progress = (FileProgress){.total = total, .started = clock_now()};
    progress_begin(&progress->line, stderr);
}

static void show_counts(FileProgress *progress) {
    const double elapsed = clock_now() - progress->started, seconds = elapsed > 1e-9 ? elapsed : 1e-9;
    const double rate = (double)(progress->done - progress->skipped) / seconds;
    char eta[CLOCK_TEXT];
    clock_text(rate > 0 ? (double)(progress->total - progress->done) / rate : 0, eta);
    progress_show(
        &progress->line, "%" PRId64 "/%" PRId64 " files, %.1f files/s, %.1f MB/s, ETA %s, %" PRId64 " quarantined",
        progress->done, progress->total, rate, (double)progress->bytes / seconds / 1e6, eta, progress->quarantined);
}

void file_progress_show(FileProgress *progress) {
    if (progress_age(&progress->line) >= (progress->line.terminal ? TERMINAL_SECONDS : LOG_SECONDS))
        show_counts(progress);
}

void file_progress_end(FileProgress *progress) {
    show_counts(progress);
    progress_end(&progress->line);
}
