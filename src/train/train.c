/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"

#include "base/clock.h"
#include "base/files.h"
#include "rundir/loss_curve.h"
#include "train/device_lost.h"
#include "train/memory/memory_plan.h"
#include "train/monitor/fp8_watch.h"
#include "train/monitor/signals.h"
#include "train/pipeline.h"
#include "train/validate/recon.h"
#include "train/validate/validate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_due(int64_t step, int64_t every) {
    return every && step % every == 0;
}

/* How the run ends with `step`. */
static Ending find_ending(const Run *run, int64_t step) {
    if (step >= run->total_steps)
        return END_FINISHED;
    if (run->signal)
        return END_SIGNAL;
    if (run->options->until && step >= run->options->until)
        return END_UNTIL;
    if (run->options->max_hours > 0 && clock_now() - run->opened >= run->options->max_hours * 3600)
        return END_MAX_HOURS;
    return GOING_ON;
}

/* Steps between two looks at what is beyond FP8's range; 0: not in FP8. */
static int64_t watch_every(const Run *run) {
    return fp8_linears(mae_params(run->mae)->fp8) ? FP8_WATCH : 0;
}

/* Whether the next step can start: not while one is under way after which something wants the parameters as they are
 * then. */
static bool may_start(const Run *run) {
    const Config *config = run->config;
    const int pending = step_pending(run->step);
    const int64_t last = run->state.step + pending;
    if (!pending)
        return true;
    return pending <= pipeline_ahead(run) && !find_ending(run, last) && !is_due(last, config->checkpoint.every) &&
           !is_due(last, config->val.every) && !is_due(last, config->log.recon_every) &&
           !is_due(last, watch_every(run));
}

static Status validate(Run *run) {
    double loss;
    TRY(validate_loss(run->mae, &run->masks, &run->images, run->validation_count, &loss));
    run->state.val_loss = loss;
    run->validated_step = run->state.step;
    TRY(monitor_validation(&run->monitor, run->state.step, loss));
    return loss_curve_write(run->directory.metrics, run->directory.curve);
}

/* Of licensed data no image is left behind unless it was asked for. */
static Status draw(Run *run) {
    if ((run->train.licensed || run->val.licensed) && !run->config->log.recon_licensed)
        return NULL;
    int rows = (int)run->config->log.recon_images;
    if (rows > run->images.count)
        rows = run->images.count;
    if (rows < 1)
        return NULL;
    char *path;
    TRY(files_path(&path, "%s/step-%" PRId64 ".png", run->directory.recon, run->state.step));
    Status status = recon_write(path, run->mae, &run->ops, &run->masks, &run->images, rows);
    free(path);
    run->drawn_step = run->state.step;
    return status;
}

/* Asks for a checkpoint of this step. It is the best so far when this step was validated, better than any step before
 * it that wrote a checkpoint. `last`: the run ends here, so wait for room and for the write. */
static Status checkpoint(Run *run, bool last) {
    if (run->written_step == run->state.step)
        return last ? checkpoint_writer_wait(run->writer) : NULL;
    double start = clock_now();
    if (last)
        TRY(checkpoint_writer_wait(run->writer));
    TrainState state = run->state;
    bool best =
        run->validated_step == state.step && isfinite(state.val_loss) && !(state.val_loss >= state.best_val_loss);
    if (best) {
        state.best_val_loss = state.val_loss;
        state.best_step = state.step;
    }
    bool started;
    run->device->range_push(run->device, "checkpoint");
    Status status = checkpoint_writer_begin(run->writer, &state, best, &started);
    run->device->range_pop(run->device);
    TRY(status);
    if (started) {
        run->state = state;
        run->written_step = state.step;
        if (last)
            TRY(checkpoint_writer_wait(run->writer));
    } else {
        run->record.checkpoints_skipped++;
        monitor_note(&run->monitor, "step %" PRId64 ": no checkpoint, the one before is still being written",
                     state.step);
    }
    run->checkpoint_seconds += clock_now() - start;
    return NULL;
}

/* What is due after a step, and whether the run ends with it; nothing is due again after one that was not applied.
 * Validation comes before the checkpoint, which says if it is the best; a checkpoint never holds a parameter that is
 * not finite. */
static Status after_step(Run *run, bool applied) {
    const Config *config = run->config;
    int64_t step = run->state.step;
    Ending ending = find_ending(run, step);
    bool writes = ending || (applied && is_due(step, config->checkpoint.every));
    if (writes) {
        GuardFinding finding;
        TRY(guard_find_parameter(run->mae, &run->ops, &finding));
        if (finding.kind)
            return recover(run, GUARD_PARAMETERS, run->last_loss);
    }
    if (watch_every(run) && (ending == END_FINISHED || (applied && is_due(step, watch_every(run)))))
        TRY(fp8_watch(mae_params(run->mae)->fp8, &run->monitor, step));
    if (run->validation_count && (ending == END_FINISHED || (applied && is_due(step, config->val.every))))
        TRY(validate(run));
    if ((applied && is_due(step, config->log.recon_every)) || (ending && ending != END_SIGNAL))
        TRY(draw(run));
    TRY(tune_keep(&run->tune, &run->monitor)); /* before a checkpoint that the choices have gone into */
    if (writes)
        TRY(checkpoint(run, ending != GOING_ON));
    run->ending = ending;
    return NULL;
}

/* Starts a step; when it cannot, those under way are still taken into account. */
static Status start_step(Run *run) {
    Status failure = pipeline_start(run);
    while (failure && step_pending(run->step)) {
        bool applied;
        Status status = pipeline_settle(run, &applied);
        if (status) { /* the first failure is the one to tell */
            status_free(status);
            break;
        }
    }
    return failure;
}

/* The records that the device holds, before the first step; a signal is heeded between pieces. */
static Status bring_records(Run *run, Signals *signals) {
    if (!loader_device_records(run->loader))
        return NULL;
    const double start = clock_now();
    int64_t left = run->train.count;
    while (left && !run->signal) {
        TRY(loader_fill_device_cache(run->loader, &left));
        run->signal = signals_poll(signals);
        monitor_bringing(&run->monitor, run->train.count - left, run->train.count);
    }
    TRY(run_note_bad(run));
    run->monitor.interval_read = loader_bytes(run->loader);
    if (run->signal)
        run->ending = END_SIGNAL;
    else
        monitor_note(&run->monitor, "data     %" PRId64 " records, %.1f MB, brought to the device in %.1f s",
                     run->train.count, (double)loader_bytes(run->loader) / 1e6, clock_now() - start);
    return NULL;
}

static Status loop(Run *run, Signals *signals) {
    run->ending = run->state.step > 0 ? find_ending(run, run->state.step) : GOING_ON;
    if (run->ending)
        monitor_note(&run->monitor, "nothing left to do at step %" PRId64, run->state.step);
    bool told = false;
    if (!run->ending)
        TRY(bring_records(run, signals));
    while (!run->ending) {
        if (may_start(run)) {
            TRY(start_step(run));
            continue;
        }
        bool applied;
        TRY(pipeline_settle(run, &applied));
        const char *note = told ? NULL : run->ops.device->note(run->ops.device);
        if (note)
            monitor_note(&run->monitor, "%s", note);
        told = true;
        if (!run->signal)
            run->signal = signals_poll(signals);
        if (!step_pending(run->step))
            TRY(after_step(run, applied));
    }
    return NULL;
}

/* What was learnt before the data failed is kept. */
static Status keep_what_is_sound(Run *run) {
    GuardFinding finding;
    TRY(guard_find_parameter(run->mae, &run->ops, &finding));
    return finding.kind || run->state.step == 0 ? NULL : checkpoint(run, true);
}

/* Turns how the run ended into run.json's words and the caller's status. */
static Status conclude(Run *run, Status status) {
    static const RunStatus statuses[] = {RUN_UNKNOWN, RUN_FINISHED, RUN_UNTIL, RUN_MAX_HOURS, RUN_STOPPED};
    char reason[1024];
    if (!status && run->ending == END_SIGNAL && run->state.step)
        status = status_error(EXIT_STOPPED, "stopped by %s at step %" PRId64 " with a checkpoint: --resume goes on",
                              signals_name(run->signal), run->state.step);
    if (!status && run->ending == END_SIGNAL)
        status = status_error(EXIT_STOPPED, "stopped by %s before the first step: --resume starts anew",
                              signals_name(run->signal));
    bool stopped = status_code(status) == EXIT_STOPPED;
    if (stopped)
        snprintf(reason, sizeof reason, "stopped by %s", signals_name(run->signal));
    else
        snprintf(reason, sizeof reason, "%s", status ? status_message(status) : run_status_name(statuses[run->ending]));
    run->record.status = status && !stopped ? RUN_FAILED : statuses[run->ending];
    run->record.exit_reason = reason;
    run->record.exit_code = (int)status_code(status);
    run->record.ended = (int64_t)time(NULL);
    Status written = run_write_record(run);
    run->record.exit_reason = "";
    if (!status)
        return written;
    status_free(written);
    return status;
}

/* The end of every run that got as far as its directory, failed ones included. */
static Status finish(Run *run, Status status) {
    if (run->writer && status_code(status) == EXIT_DATA) {
        Status kept = keep_what_is_sound(run);
        if (kept)
            monitor_note(&run->monitor, "%s", status_message(kept));
        status_free(kept);
    }
    if (run->writer) {
        Status written = checkpoint_writer_wait(run->writer);
        if (status)
            status_free(written);
        else
            status = written;
    }
    if (run->loader) {
        Status merged = loader_merge_unreadable(run->loader, &run->record.unreadable);
        status_free(merged);
    }
    if (run->monitor.metrics.path) {
        Status drawn = loss_curve_write(run->directory.metrics, run->directory.curve);
        if (status)
            status_free(drawn);
        else
            status = drawn;
    }
    return conclude(run, device_lost(status, run->directory.path, run->directory.checkpoints));
}

static void say_goodbye(Run *run) {
    char val[64] = "";
    if (!isnan(run->state.val_loss))
        snprintf(val, sizeof val, ", validation loss %#.4g", run->state.val_loss);
    monitor_note(&run->monitor, "%s at step %" PRId64 " of %" PRId64 ": loss %#.4g%s; checkpoint, curve.svg%s in %s",
                 run_status_name(run->record.status), run->state.step, run->total_steps, run->last_loss, val,
                 run->drawn_step < 0 ? "" : " and recon/", run->directory.path);
}

Status train_run(const Config *config, const TrainOptions *options) {
    Signals signals;
    signals_block(&signals);
    Run run;
    Status status = run_open(&run, config, options);
    if (!status)
        status = loop(&run, &signals);
    status = memory_advise(status);
    if (run.recording)
        status = finish(&run, status);
    if (!status)
        say_goodbye(&run);
    run_close(&run);
    signals_release(&signals);
    return status;
}
