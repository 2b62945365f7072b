/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double SHOWN_EVERY = 0.2; /* seconds */

double monitor_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void begin_interval(Monitor *monitor) {
    monitor->interval_steps = 0;
    monitor->interval_seconds = monitor->interval_loss = 0;
    monitor->interval_data = monitor->interval_checkpoint = monitor->interval_queue = 0;
}

Status monitor_open(Monitor *monitor, const char *metrics_path, int64_t every, int64_t total_steps, int global_batch,
                    int64_t last_step) {
    *monitor = (Monitor){.terminal = isatty(STDOUT_FILENO) == 1,
                         .every = every,
                         .total_steps = total_steps,
                         .global_batch = global_batch,
                         .mfu_per_rate = NAN,
                         .started = monitor_now()};
    return metrics_open(&monitor->metrics, metrics_path, last_step);
}

static void end_line(Monitor *monitor) {
    if (monitor->line_open)
        putchar('\n');
    monitor->line_open = false;
}

void monitor_close(Monitor *monitor) {
    end_line(monitor);
    fflush(stdout);
    metrics_close(&monitor->metrics);
}

/* 1:02:03 */
static void clock_text(double seconds, char text[32]) {
    int64_t whole = (int64_t)(seconds + 0.5);
    snprintf(text, 32, "%" PRId64 ":%02d:%02d", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
}

/* Columns of the terminal; a live line that wrapped could not be rewritten in place. */
static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

static double interval_rate(const Monitor *monitor) {
    const double seconds = monitor->interval_seconds > 0 ? monitor->interval_seconds : 1e-9;
    return (double)(monitor->interval_steps * monitor->global_batch) / seconds;
}

/* MFU takes the place of the time gone by: a line with both would not fit into 80 columns. */
static void show(Monitor *monitor, const StepFigures *figures) {
    char between[32], to_go[32], line[256];
    const double rate = interval_rate(monitor), mfu = monitor->mfu_per_rate * rate;
    if (isnan(mfu))
        clock_text(monitor_now() - monitor->started, between);
    else
        snprintf(between, sizeof between, "MFU %.0f%%", 100 * mfu);
    clock_text((double)(monitor->total_steps - figures->step) * monitor->step_seconds, to_go);
    double seconds = monitor->interval_seconds > 0 ? monitor->interval_seconds : 1;
    snprintf(line, sizeof line, "%" PRId64 "/%" PRId64 " loss %#.4g lr %.2e %.0f images/s data wait %.0f%% %s ETA %s",
             figures->step, monitor->total_steps, figures->loss, figures->lr, rate,
             100 * monitor->interval_data / seconds, between, to_go);
    if (monitor->terminal)
        printf("\r\033[K%.*s", terminal_columns() - 1, line);
    else
        puts(line);
    monitor->line_open = monitor->terminal;
    fflush(stdout);
}

static Status write_line(Monitor *monitor, const StepFigures *figures) {
    double seconds = monitor->interval_seconds > 0 ? monitor->interval_seconds : 1e-9;
    MetricsLine line = {.step = figures->step,
                        .epoch = figures->epoch,
                        .loss = figures->loss,
                        .loss_mean = monitor->interval_loss / (double)monitor->interval_steps,
                        .lr = figures->lr,
                        .grad_norm = figures->grad_norm,
                        .images_per_s = interval_rate(monitor),
                        .mfu = monitor->mfu_per_rate * interval_rate(monitor),
                        .data_wait = monitor->interval_data / seconds,
                        .checkpoint_wait = monitor->interval_checkpoint / seconds,
                        .queue = monitor->interval_queue / (double)monitor->interval_steps,
                        .read_rate = (double)(figures->bytes_read - monitor->interval_read) / seconds,
                        .copy_rate = (double)(figures->bytes_copied - monitor->interval_copied) / seconds,
                        .seconds = figures->seconds,
                        .bad_records = figures->bad_records,
                        .checkpoints_skipped = figures->checkpoints_skipped};
    return metrics_append(&monitor->metrics, &line);
}

/* Says in words that the device waits for data, and what may help. */
static void watch_data(Monitor *monitor, const StepFigures *figures) {
    monitor->starving.steps++;
    monitor->starving.seconds += figures->seconds;
    monitor->starving.data_wait += figures->data_wait;
    if (monitor->starving.steps < MONITOR_WAIT_STEPS)
        return;
    const double share = monitor->starving.data_wait / monitor->starving.seconds;
    const bool again = !monitor->starving.told || figures->step - monitor->starving.told >= MONITOR_WAIT_AGAIN;
    if (share > MONITOR_WAIT_SHARE && again) {
        monitor_note(monitor, "step %" PRId64 ": the device waited for data %.0f%% of the last %d steps; %s",
                     figures->step, 100 * share, MONITOR_WAIT_STEPS,
                     figures->bytes_read
                         ? "raise data.workers, or look at the disk if the pack does not fit into memory"
                         : "raise data.workers, or make a pack of the images (./stage folder)");
        monitor->starving.told = figures->step;
    }
    monitor->starving.steps = 0;
    monitor->starving.seconds = monitor->starving.data_wait = 0;
}

void monitor_bringing(Monitor *monitor, int64_t there, int64_t count) {
    const double now = monitor_now();
    if (!monitor->terminal || now - monitor->shown < SHOWN_EVERY)
        return;
    printf("\r\033[K%" PRId64 " of %" PRId64 " records brought to the device", there, count);
    fflush(stdout);
    monitor->line_open = true;
    monitor->shown = now;
}

Status monitor_step(Monitor *monitor, const StepFigures *figures) {
    watch_data(monitor, figures);
    monitor->interval_steps++;
    monitor->interval_queue += figures->queue;
    monitor->interval_seconds += figures->seconds;
    monitor->interval_loss += figures->loss;
    monitor->interval_data += figures->data_wait;
    monitor->interval_checkpoint += figures->checkpoint_wait;
    monitor->step_seconds =
        monitor->step_seconds > 0 ? 0.95 * monitor->step_seconds + 0.05 * figures->seconds : figures->seconds;

    bool due = figures->step % monitor->every == 0 || figures->step == monitor->total_steps;
    double now = monitor_now();
    if (due || (monitor->terminal && now - monitor->shown > SHOWN_EVERY)) {
        show(monitor, figures);
        monitor->shown = now;
    }
    if (!due)
        return NULL;
    Status status = write_line(monitor, figures);
    begin_interval(monitor);
    monitor->interval_read = figures->bytes_read;
    monitor->interval_copied = figures->bytes_copied;
    return status;
}

Status monitor_validation(Monitor *monitor, int64_t step, double val_loss) {
    monitor_note(monitor, "step %" PRId64 "  validation loss %#.4g", step, val_loss);
    return metrics_append_validation(&monitor->metrics, step, val_loss);
}

Status monitor_undo(Monitor *monitor, int64_t last_step) {
    begin_interval(monitor);
    return metrics_drop_after(&monitor->metrics, last_step);
}

void monitor_note(Monitor *monitor, const char *format, ...) {
    end_line(monitor);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}
