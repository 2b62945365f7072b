/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/monitor.h"
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double SHOWN_EVERY = 0.2; /* seconds */

static void begin_interval(Monitor *monitor) {
    monitor->interval_steps = 0;
    monitor->interval_seconds = monitor->interval_loss = 0;
    monitor->interval_data = monitor->interval_checkpoint = monitor->interval_queue = 0;
}

Status monitor_open(Monitor *monitor, const char *metrics_path, int64_t every, int64_t total_steps, int global_batch,
                    int64_t last_step) {
    *monitor = (Monitor){.every = every,
                         .total_steps = total_steps,
                         .global_batch = global_batch,
                         .mfu_per_rate = NAN,
                         .started = clock_now()};
    progress_begin(&monitor->progress, stdout);
    return metrics_open(&monitor->metrics, metrics_path, last_step);
}

void monitor_close(Monitor *monitor) {
    if (monitor->progress.out)
        progress_end(&monitor->progress);
    metrics_close(&monitor->metrics);
}

static double interval_rate(const Monitor *monitor) {
    const double seconds = monitor->interval_seconds > 0 ? monitor->interval_seconds : 1e-9;
    return (double)(monitor->interval_steps * monitor->global_batch) / seconds;
}

/* MFU replaces the elapsed time: a line with both would not fit into 80 columns. */
static void show_step(Monitor *monitor, const StepFigures *figures) {
    char between[CLOCK_TEXT], to_go[CLOCK_TEXT];
    const double rate = interval_rate(monitor), mfu = monitor->mfu_per_rate * rate;
    if (isnan(mfu))
        clock_text(clock_now() - monitor->started, between);
    else
        snprintf(between, sizeof between, "MFU %.0f%%", 100 * mfu);
    clock_text((double)(monitor->total_steps - figures->step) * monitor->step_seconds, to_go);
    double seconds = monitor->interval_seconds > 0 ? monitor->interval_seconds : 1;
    progress_show(&monitor->progress,
                  "%" PRId64 "/%" PRId64 " loss %#.4g lr %.2e %.0f images/s data wait %.0f%% %s ETA %s", figures->step,
                  monitor->total_steps, figures->loss, figures->lr, rate, 100 * monitor->interval_data / seconds,
                  between, to_go);
}

static Status append_metrics(Monitor *monitor, const StepFigures *figures) {
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
    gpu_watch_take(monitor->gpu, &line.gpu);
    return metrics_append(&monitor->metrics, &line);
}

/* Warns when the device waits for data, with what may help. */
static void check_data_wait(Monitor *monitor, const StepFigures *figures) {
    monitor->starving.steps++;
    monitor->starving.seconds += figures->seconds;
    monitor->starving.data_wait += figures->data_wait;
    if (monitor->starving.steps < MONITOR_WAIT_STEPS)
        return;
    const double share = monitor->starving.data_wait / monitor->starving.seconds;
    const bool again = !monitor->starving.warned || figures->step - monitor->starving.warned >= MONITOR_WAIT_AGAIN;
    if (share > MONITOR_WAIT_SHARE && again) {
        monitor_note(monitor, "step %" PRId64 ": the device waited for data %.0f%% of the last %d steps; %s",
                     figures->step, 100 * share, MONITOR_WAIT_STEPS,
                     figures->bytes_read ? "raise data.workers, or check the disk if the pack does not fit into memory"
                                         : "raise data.workers, or make a pack of the images (./stage folder)");
        monitor->starving.warned = figures->step;
    }
    monitor->starving.steps = 0;
    monitor->starving.seconds = monitor->starving.data_wait = 0;
}

void monitor_caching(Monitor *monitor, int64_t there, int64_t count) {
    if (monitor->progress.terminal && progress_age(&monitor->progress) >= SHOWN_EVERY)
        progress_show(&monitor->progress, "%" PRId64 " of %" PRId64 " records cached on the device", there, count);
}

static bool is_due(const Monitor *monitor, int64_t step) {
    return step % monitor->every == 0 || step == monitor->total_steps;
}

Status monitor_step(Monitor *monitor, const StepFigures *figures) {
    check_data_wait(monitor, figures);
    monitor->interval_steps++;
    monitor->interval_queue += figures->queue;
    monitor->interval_seconds += figures->seconds;
    monitor->interval_loss += figures->loss;
    monitor->interval_data += figures->data_wait;
    monitor->interval_checkpoint += figures->checkpoint_wait;
    monitor->step_seconds =
        monitor->step_seconds > 0 ? 0.95 * monitor->step_seconds + 0.05 * figures->seconds : figures->seconds;

    bool due = is_due(monitor, figures->step);
    if (is_due(monitor, figures->step + 1))
        gpu_watch_ask(monitor->gpu);
    if (due || (monitor->progress.terminal && progress_age(&monitor->progress) > SHOWN_EVERY))
        show_step(monitor, figures);
    if (!due)
        return NULL;
    Status status = append_metrics(monitor, figures);
    begin_interval(monitor);
    monitor->interval_read = figures->bytes_read;
    monitor->interval_copied = figures->bytes_copied;
    return status;
}

Status monitor_validation(Monitor *monitor, int64_t step, const Validation *validation, const char *metric,
                          const char *probe) {
    const char *const names[] = {metric, strcmp(metric, probe) ? probe : ""};
    char shown[192] = "";
    size_t used = 0;
    for (int i = 0; i < 2; i++)
        if (*names[i] && (i == 0 || !isnan(validation_figure(validation, names[i]))))
            used += (size_t)snprintf(shown + used, sizeof shown - used, ", %s %.4g", names[i],
                                     validation_figure(validation, names[i]));
    monitor_note(monitor, "step %" PRId64 "  validation loss %#.4g%s", step, validation->loss, shown);
    return metrics_append_validation(&monitor->metrics, step, validation->loss, validation->figures, validation->count);
}

Status monitor_undo(Monitor *monitor, int64_t last_step) {
    begin_interval(monitor);
    return metrics_drop_after(&monitor->metrics, last_step);
}

void monitor_note(Monitor *monitor, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    progress_note_list(&monitor->progress, format, arguments);
    va_end(arguments);
}
