/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pipeline.h"
#include "base/clock.h"
#include "train/guard/guard_handle.h"
#include "train/run/run_report.h"
#include "train/run/throughput_check.h"

#include <string.h>

int pipeline_ahead(const Run *run) {
    const int ahead = step_ahead(run->step), prefetched = (int)run->config->data.prefetch_batches - 1;
    return ahead < prefetched ? ahead : prefetched;
}

/* Only waiting that leaves the device without work counts: all of it, if the device ran out of work meanwhile. */
static Status next_batch(Run *run, PendingStep *pending) {
    bool busy;
    const double start = clock_now();
    run->device->range_push(run->device, "data");
    Status arrived = loader_next(run->loader, &pending->batch);
    run->device->range_pop(run->device);
    TRY(arrived);
    TRY(step_busy(run->step, &busy));
    pending->data_wait = busy ? 0 : clock_now() - start;
    return NULL;
}

Status pipeline_start(Run *run) {
    const int count = step_pending(run->step);
    const int64_t number = run->state.step + count + 1;
    PendingStep *pending = &run->pending_steps[(run->first_pending + count) % STEP_MAX_IN_FLIGHT];
    *pending = (PendingStep){.lr = schedule_lr(&run->schedule, number - 1)};
    if (!count)
        run->last_step_end = clock_now();
    TRY(next_batch(run, pending));
    TRY(step_gradients(run->step, &pending->batch));
    /* A checkpoint may still be copying the parameters: they may change only afterwards. */
    const double before = clock_now();
    checkpoint_writer_copied(run->writer);
    pending->checkpoint_wait = clock_now() - before;
    return step_update(run->step, pending->lr, number);
}

/* Reports a step that was applied. */
static Status report_step(Run *run, const PendingStep *pending, const StepState *outcome) {
    if (run->state.step % run->config->log.every == 0)
        TRY(run_note_unreadable(run));
    const double now = clock_now();
    const StepFigures figures = {.step = run->state.step,
                                 .epoch = (double)run->state.next_batch / (double)loader_epoch_batches(run->loader),
                                 .loss = outcome->loss,
                                 .lr = pending->lr,
                                 .grad_norm = outcome->norm,
                                 .seconds = now - run->last_step_end + run->checkpoint_seconds,
                                 .data_wait = pending->data_wait,
                                 .checkpoint_wait = pending->checkpoint_wait + run->checkpoint_seconds,
                                 .queue = pending->batch.ready,
                                 .bytes_read = loader_bytes(run->loader),
                                 .bytes_copied = step_copied(run->step),
                                 .bad_records = run->record.unreadable.count,
                                 .checkpoints_skipped = run->record.checkpoints_skipped};
    run->last_step_end = now;
    run->checkpoint_seconds = 0;
    run->last_loss = outcome->loss;
    TRY(monitor_step(&run->monitor, &figures));
    return throughput_check(run, &figures);
}

/* The device did not apply this step, nor those after it: their batches are handed out again. */
static Status skip_step(Run *run, const PendingStep *pending, const StepState *outcome) {
    while (step_pending(run->step)) {
        StepState later;
        TRY(step_wait_oldest(run->step, &later));
    }
    /* A later step may have overwritten what the guard checks: compute it again. */
    if (outcome->verdict != VERDICT_SPIKE)
        TRY(step_repeat(run->step, &pending->batch));
    Status status = guard_handle_event(run, outcome->verdict, outcome->loss);
    loader_done(run->loader);
    loader_rewind(run->loader);
    return status;
}

Status pipeline_finish(Run *run, bool *applied) {
    const PendingStep *pending = &run->pending_steps[run->first_pending];
    TrainState *state = &run->state;
    StepState outcome;
    TRY(step_wait_oldest(run->step, &outcome));
    run->first_pending = (run->first_pending + 1) % STEP_MAX_IN_FLIGHT;
    run->batch_number = pending->batch.number;
    memcpy(run->batch_records, pending->batch.records,
           (size_t)run->config->train.global_batch * sizeof *run->batch_records);
    *applied = !outcome.halted;
    if (outcome.halted)
        return skip_step(run, pending, &outcome);
    loader_done(run->loader);
    state->step++;
    state->next_batch = run->batch_number + 1;
    state->loss_mean = outcome.mean;
    return report_step(run, pending, &outcome);
}
