/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pipeline.h"
#include "base/clock.h"

#include <string.h>

int pipeline_ahead(const Run *run) {
    const int ahead = step_ahead(run->step), held = (int)run->config->data.prefetch_batches - 1;
    return ahead < held ? ahead : held;
}

/* Waiting counts as far as the device had nothing else to do: where it ran out of work meanwhile, all of it. */
static Status next_batch(Run *run, Flight *flight) {
    bool busy;
    const double start = clock_now();
    run->device->range_push(run->device, "data");
    Status arrived = loader_next(run->loader, &flight->batch);
    run->device->range_pop(run->device);
    TRY(arrived);
    TRY(step_busy(run->step, &busy));
    flight->data_wait = busy ? 0 : clock_now() - start;
    return NULL;
}

Status pipeline_start(Run *run) {
    const int pending = step_pending(run->step);
    const int64_t number = run->state.step + pending + 1;
    Flight *flight = &run->flights[(run->oldest + pending) % STEP_MOST];
    *flight = (Flight){.lr = schedule_lr(&run->schedule, number - 1)};
    if (!pending)
        run->settled_at = clock_now();
    TRY(next_batch(run, flight));
    TRY(step_gradients(run->step, &flight->batch, loader_epoch(run->loader, flight->batch.number)));
    /* A checkpoint of the parameters may still be copying: they change only after it. */
    const double before = clock_now();
    checkpoint_writer_copied(run->writer);
    flight->checkpoint_wait = clock_now() - before;
    return step_update(run->step, flight->lr, number);
}

/* Tells of a step that was applied. */
static Status report(Run *run, const Flight *flight, const StepState *outcome) {
    if (run->state.step % run->config->log.every == 0)
        TRY(run_note_bad(run));
    const double now = clock_now();
    const StepFigures figures = {.step = run->state.step,
                                 .epoch = (double)run->state.next_batch / (double)loader_epoch_batches(run->loader),
                                 .loss = outcome->loss,
                                 .lr = flight->lr,
                                 .grad_norm = outcome->norm,
                                 .seconds = now - run->settled_at + run->checkpoint_seconds,
                                 .data_wait = flight->data_wait,
                                 .checkpoint_wait = flight->checkpoint_wait + run->checkpoint_seconds,
                                 .queue = flight->batch.ready,
                                 .bytes_read = loader_bytes(run->loader),
                                 .bytes_copied = step_copied(run->step),
                                 .bad_records = run->record.unreadable.count,
                                 .checkpoints_skipped = run->record.checkpoints_skipped};
    run->settled_at = now;
    run->checkpoint_seconds = 0;
    run->last_loss = outcome->loss;
    TRY(monitor_step(&run->monitor, &figures));
    return run_watch(run, &figures);
}

/* The device held this step back, and those after it: their batches are handed out anew. */
static Status pass_over(Run *run, const Flight *flight, const StepState *outcome) {
    static const GuardKind kinds[] = {[VERDICT_SOUND] = GUARD_SOUND,
                                      [VERDICT_LOSS] = GUARD_LOSS,
                                      [VERDICT_SPIKE] = GUARD_SPIKE,
                                      [VERDICT_GRADIENT] = GUARD_GRADIENT};
    while (step_pending(run->step)) {
        StepState later;
        TRY(step_settle(run->step, &later));
    }
    const GuardKind kind = kinds[outcome->verdict];
    /* What the guard looks at is gone where a later step has run: it is computed once more. */
    if (kind != GUARD_SPIKE)
        TRY(step_repeat(run->step, &flight->batch, loader_epoch(run->loader, flight->batch.number)));
    Status status = recover(run, kind, outcome->loss);
    loader_done(run->loader);
    loader_again(run->loader);
    return status;
}

Status pipeline_settle(Run *run, bool *applied) {
    const Flight *flight = &run->flights[run->oldest];
    TrainState *state = &run->state;
    StepState outcome;
    TRY(step_settle(run->step, &outcome));
    run->oldest = (run->oldest + 1) % STEP_MOST;
    run->batch_number = flight->batch.number;
    memcpy(run->batch_records, flight->batch.records,
           (size_t)run->config->train.global_batch * sizeof *run->batch_records);
    *applied = !outcome.halted;
    if (outcome.halted)
        return pass_over(run, flight, &outcome);
    loader_done(run->loader);
    state->step++;
    state->next_batch = run->batch_number + 1;
    state->loss_mean = outcome.mean;
    return report(run, flight, &outcome);
}
