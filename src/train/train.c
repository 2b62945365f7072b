/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"
#include "checkpoint/directory.h"
#include "checkpoint/state.h"
#include "checkpoint/write.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/lease.h"
#include "pack/derived.h"
#include "rundir/loss_curve.h"
#include "train/guard/guard_find.h"
#include "train/guard/guard_handle.h"
#include "train/keep_at.h"
#include "train/memory/memory_fit.h"
#include "train/monitor/fp8_watch.h"
#include "train/monitor/signals.h"
#include "train/objective/objectives.h"
#include "train/objective/scores.h"
#include "train/pipeline.h"
#include "train/run/checkpoint_interval.h"
#include "train/run/run_open.h"
#include "train/run/run_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_due(int64_t step, int64_t every) {
    return every && step % every == 0;
}

/* Why the run ends with `step`, if it does. */
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

/* Steps between two checks for values beyond FP8's range; 0: not in FP8. */
static int64_t watch_every(const Run *run) {
    return fp8_linears(run->objective->params->fp8) ? FP8_WATCH : 0;
}

/* Whether a checkpoint is due after `step`, wherever the run ends. */
static bool checkpoint_due(const Run *run, int64_t step) {
    return is_due(step, run->checkpoint_every) || keep_at_due(&run->keep, step);
}

/* Whether the next step can start: not while a step is pending after which something needs the parameters as they are
 * then. */
static bool may_start(const Run *run) {
    const Config *config = run->config;
    const int pending = step_pending(run->step);
    const int64_t last = run->state.step + pending;
    if (!pending)
        return true;
    return pending <= pipeline_ahead(run) && !find_ending(run, last) && !checkpoint_due(run, last) &&
           !is_due(last, config->val.every) && !is_due(last, config->log.recon_every) &&
           !is_due(last, watch_every(run)) && !is_due(last, config->monitor.every);
}

static Status run_validation(Run *run) {
    Validation validation;
    const char *metric = run->config->val.metric;
    TRY(run->objective->validate(run->objective, &run->images, run->validation_count, &validation));
    if (online_probe_due(&run->probe, run->state.step, run->total_steps))
        TRY(online_probe_run(&run->probe, run->objective, run->ops.threads, &validation));
    run->state.val_loss = validation.loss;
    run->state.val_metric = validation_figure(&validation, metric);
    run->validated_step = run->state.step;
    TRY(monitor_validation(&run->monitor, run->state.step, &validation, metric, online_probe_shown(&run->probe)));
    return loss_curve_write(run->directory.metrics, run->directory.curve);
}

/* What is drawn of licensed packs is listed with them, so that it is removed with them. */
static Status register_recon(const Run *run, const char *path) {
    const Records *const records[] = {&run->train, &run->val};
    for (int i = 0; i < 2; i++)
        for (int part = 0; part < records[i]->part_count; part++)
            if (records[i]->parts[part].pack.info.licensed)
                TRY(pack_derived_add(records[i]->parts[part].pack.directory, path));
    return NULL;
}

/* Draws nothing of licensed data, unless the configuration allows it. */
static Status draw_recon(Run *run) {
    if (!objectives_find(run->config)->draws)
        return NULL;
    if ((run->train.licensed || run->val.licensed) && !run->config->log.recon_licensed)
        return NULL;
    int rows = (int)run->config->log.recon_images;
    if (rows > run->images.count)
        rows = run->images.count;
    if (rows < 1)
        return NULL;
    char *path;
    TRY(files_path(&path, "%s/step-%" PRId64 ".png", run->directory.recon, run->state.step));
    Status status = register_recon(run, path);
    if (!status)
        status = run->objective->draw(run->objective, path, &run->images, rows);
    free(path);
    run->drawn_step = run->state.step;
    return status;
}

static void note_unlinked(Run *run) {
    Status unlinked = checkpoint_writer_unlinked(run->writer);
    if (unlinked)
        monitor_note(&run->monitor,
                     "warning: %s: checkpoints are complete without the links latest and best; take the one with the "
                     "highest number",
                     status_message(unlinked));
    status_free(unlinked);
}

/* Whether this state's validation is better than every earlier one with a checkpoint. */
static bool is_best(const Run *run) {
    const TrainState *state = &run->state;
    if (!state->has_metric)
        return isfinite(state->val_loss) && !(state->val_loss >= state->best_val_loss);
    const double sign = scores_falls(run->config) ? -1 : 1;
    return isfinite(state->val_metric) && !(sign * state->val_metric <= sign * state->best_val_metric);
}

/* Whether a checkpoint of this step is written even if the one before is still being written. A step of
 * checkpoint.keep_at does not come again. A rollback returns to the newest checkpoint: the disk's speed must not decide
 * which that is, or a resumed run would end with other weights than an undisturbed one. */
static bool writer_is_awaited(const Run *run) {
    return run->options->waits || run->config->guard.action == GUARD_ROLLBACK ||
           keep_at_due(&run->keep, run->state.step);
}

/* Starts a checkpoint of this step. It is the best so far when this step was validated and better than every earlier
 * step with a checkpoint. `last`: the run ends here, so wait for the writer before and after. */
static Status write_checkpoint(Run *run, bool last) {
    if (run->written_step == run->state.step)
        return last ? checkpoint_writer_wait(run->writer) : NULL;
    double start = clock_now();
    if (last || writer_is_awaited(run))
        TRY(checkpoint_writer_wait(run->writer));
    TRY(lease_check()); /* the writer's own check is reported with the next checkpoint */
    if (last)
        TRY(checkpoint_interval_update(run));
    TrainState state = run->state;
    const bool best = run->validated_step == state.step && is_best(run);
    if (best) {
        state.best_val_loss = state.val_loss;
        state.best_val_metric = state.val_metric;
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
        monitor_note(&run->monitor, "step %" PRId64 ": no checkpoint, because the previous one is still being written",
                     state.step);
    }
    note_unlinked(run);
    run->checkpoint_seconds += clock_now() - start;
    return NULL;
}

static Status watch_layers(Run *run) {
    bool found;
    TRY(layer_watch_step(&run->layers, &run->monitor, run->state.step, &found));
    return found ? run_write_record(run) : NULL;
}

/* Does what is due after a step and decides whether the run ends with it. After a step that was not applied nothing is
 * due again. Validation precedes the checkpoint, which records whether it is the best. A checkpoint never contains a
 * parameter that is not finite. */
static Status complete_step(Run *run, bool applied) {
    const Config *config = run->config;
    int64_t step = run->state.step;
    Ending ending = find_ending(run, step);
    TRY(checkpoint_interval_update(run));
    bool writes = ending || (applied && checkpoint_due(run, step));
    if (writes) {
        GuardFinding finding;
        TRY(guard_find_parameter(run->objective, &run->ops, &finding));
        if (finding.kind)
            return guard_handle_event(run, VERDICT_PARAMETERS, run->last_loss);
    }
    if (applied && is_due(step, config->monitor.every)) /* before other passes take the activations' place */
        TRY(watch_layers(run));
    if (watch_every(run) && (ending == END_FINISHED || (applied && is_due(step, watch_every(run)))))
        TRY(fp8_watch(run->objective->params->fp8, &run->monitor, step));
    if (run->validation_count && (ending == END_FINISHED || (applied && is_due(step, config->val.every))))
        TRY(run_validation(run));
    if ((applied && is_due(step, config->log.recon_every)) || (ending && ending != END_SIGNAL))
        TRY(draw_recon(run));
    TRY(tune_keep(&run->tune, &run->monitor)); /* before a checkpoint that depends on the choices */
    if (writes)
        TRY(write_checkpoint(run, ending != GOING_ON));
    run->ending = ending;
    return NULL;
}

/* Starts a step. When that fails, pending steps are still finished. */
static Status start_step(Run *run) {
    Status failure = pipeline_start(run);
    while (failure && step_pending(run->step)) {
        bool applied;
        Status status = pipeline_finish(run, &applied);
        if (status) { /* the first failure is the one to report */
            status_free(status);
            break;
        }
    }
    return failure;
}

/* Fills the device's cache of records before the first step, polling signals between pieces. */
static Status fill_device_cache(Run *run, Signals *signals) {
    if (!loader_device_records(run->loader))
        return NULL;
    const double start = clock_now();
    int64_t left = run->train.count;
    while (left && !run->signal) {
        TRY(loader_fill_device_cache(run->loader, &left));
        run->signal = signals_poll(signals);
        monitor_caching(&run->monitor, run->train.count - left, run->train.count);
    }
    TRY(run_note_unreadable(run));
    run->monitor.interval_read = loader_bytes(run->loader);
    if (run->signal)
        run->ending = END_SIGNAL;
    else
        monitor_note(&run->monitor, "data     %" PRId64 " records, %.1f MB, cached on the device in %.1f s",
                     run->train.count, (double)loader_bytes(run->loader) / 1e6, clock_now() - start);
    return NULL;
}

/* Each once. */
static void print_notes(Run *run, bool printed[2]) {
    const char *const notes[] = {run->ops.device->note(run->ops.device), step_note(run->step)};
    for (int i = 0; i < 2; i++)
        if (notes[i] && !printed[i]) {
            monitor_note(&run->monitor, "%s", notes[i]);
            printed[i] = true;
        }
}

static Status run_loop(Run *run, Signals *signals) {
    run->ending = run->state.step > 0 ? find_ending(run, run->state.step) : GOING_ON;
    if (run->ending)
        monitor_note(&run->monitor, "nothing left to do at step %" PRId64, run->state.step);
    bool printed[2] = {false, false};
    if (!run->ending)
        TRY(fill_device_cache(run, signals));
    while (!run->ending) {
        if (may_start(run)) {
            TRY(start_step(run));
            continue;
        }
        bool applied;
        TRY(pipeline_finish(run, &applied));
        print_notes(run, printed);
        if (!run->signal)
            run->signal = signals_poll(signals);
        if (!step_pending(run->step))
            TRY(complete_step(run, applied));
    }
    return NULL;
}

/* Saves the progress before the data failed. */
static Status save_valid_state(Run *run) {
    GuardFinding finding;
    TRY(guard_find_parameter(run->objective, &run->ops, &finding));
    return finding.kind || run->state.step == 0 ? NULL : write_checkpoint(run, true);
}

/* Records in run.json how the run ended, and returns the caller's status. */
static Status conclude_run(Run *run, Status status) {
    static const RunStatus statuses[] = {RUN_UNKNOWN, RUN_FINISHED, RUN_UNTIL, RUN_MAX_HOURS, RUN_STOPPED};
    char stop[64];
    if (!status && run->ending == END_SIGNAL && run->state.step)
        status = status_error(EXIT_STOPPED, "stopped by %s at step %" PRId64 " with a checkpoint: --resume continues",
                              signals_name(run->signal), run->state.step);
    if (!status && run->ending == END_SIGNAL)
        status = status_error(EXIT_STOPPED, "stopped by %s before the first step: --resume starts from the beginning",
                              signals_name(run->signal));
    bool stopped = status_code(status) == EXIT_STOPPED;
    snprintf(stop, sizeof stop, "stopped by %s", signals_name(run->signal));
    run->record.status = status && !stopped ? RUN_FAILED : statuses[run->ending];
    run->record.exit_reason = stopped ? stop : status ? status_message(status) : run_status_name(statuses[run->ending]);
    run->record.exit_code = (int)status_code(status);
    run->record.ended = (int64_t)time(NULL);
    Status written = run_write_record(run);
    run->record.exit_reason = "";
    if (!status)
        return written;
    status_free(written);
    return status;
}

/* A failed device loses the progress since the newest checkpoint: adds its name and how the run continues. */
static Status explain_lost_device(const Run *run, Status failure) {
    CheckpointEntry *entries = NULL;
    int count = 0;
    if (status_code(failure) != EXIT_MISSING)
        return failure;
    status_free(checkpoint_list(run->directory.checkpoints, &entries, &count));
    Status explained =
        count ? status_error(EXIT_MISSING,
                             "%s; the newest checkpoint is %s/%s: when the GPU works again, `./train %s/config.ini "
                             "--resume` continues from it",
                             status_message(failure), run->directory.checkpoints, entries[0].name, run->directory.path)
              : status_error(EXIT_MISSING, "%s; no checkpoint was written yet: restart the run in %s with --force",
                             status_message(failure), run->directory.path);
    free(entries);
    status_free(failure);
    return explained;
}

/* Ends every run that has its directory, failed ones included. */
static Status finish_run(Run *run, Status status) {
    if (run->writer && status_code(status) == EXIT_DATA) {
        Status kept = save_valid_state(run);
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
        note_unlinked(run);
    }
    if (run->loader) {
        Status merged = loader_merge_unreadable(run->loader, &run->record.unreadable);
        status_free(merged);
    }
    layer_watch_conclude(&run->layers, &run->monitor);
    if (run->monitor.metrics.path) {
        Status drawn = loss_curve_write(run->directory.metrics, run->directory.curve);
        if (status)
            status_free(drawn);
        else
            status = drawn;
    }
    return conclude_run(run, explain_lost_device(run, status));
}

static void print_conclusion(Run *run) {
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
        status = run_loop(&run, &signals);
    status = memory_advise(status);
    if (run.recording)
        status = finish_run(&run, status);
    if (!status)
        print_conclusion(&run);
    run_close(&run);
    signals_release(&signals);
    return status;
}
