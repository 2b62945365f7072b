/* SPDX-License-Identifier: Apache-2.0 */
#include "train/guard/guard_handle.h"
#include "checkpoint/directory.h"

#include "checkpoint/read.h"
#include "train/guard/guard_find.h"
#include "train/run/run_report.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 400, NAMED_RECORDS = 8 };

static const char *action_name(GuardAction action) {
    return config_choice_name(&train_config, "guard.action", (int)action);
}

/* Describes the failure in one line. */
static void describe_failure(char text[LINE], StepVerdict verdict, double loss, double mean,
                             const GuardFinding *finding) {
    if (verdict == VERDICT_SPIKE)
        snprintf(text, LINE, "the loss is %.4g, %.1f times its running mean %.4g", loss, loss / mean, mean);
    else if (finding->kind)
        snprintf(text, LINE, "%s not finite, first in %s %s",
                 verdict == VERDICT_LOSS       ? "the loss is"
                 : verdict == VERDICT_GRADIENT ? "the gradient norm is"
                                               : "after the update the parameters are",
                 guard_found_name(finding->kind), finding->name);
    else
        snprintf(text, LINE, "%s not finite although every tensor is: the sum overflows",
                 verdict == VERDICT_LOSS ? "the loss is" : "the gradient norm is");
}

/* Lists the first few images of the batch; run.json has all of them. */
static void list_records(const Run *run, char text[LINE]) {
    int count = (int)run->config->train.global_batch, named = count < NAMED_RECORDS ? count : NAMED_RECORDS;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < named && used < LINE; i++)
        used += (size_t)snprintf(text + used, LINE - used, "%s%s", i ? ", " : "", run_image_path(run, i));
}

static void find_last_checkpoint(const Run *run, char text[PATH_MAX]) {
    CheckpointEntry *entries = NULL;
    int count = 0;
    status_free(checkpoint_list(run->directory.checkpoints, &entries, &count));
    if (count)
        snprintf(text, PATH_MAX, "%s/%s", run->directory.checkpoints, entries[0].name);
    else
        snprintf(text, PATH_MAX, "none");
    free(entries);
}

static Status note_event(Run *run, StepVerdict verdict, double loss, const GuardFinding *finding, const char *action,
                         int64_t step) {
    int count = (int)run->config->train.global_batch;
    const char **paths = malloc((size_t)count * sizeof *paths);
    if (!paths)
        return status_no_memory("the guard's records", (size_t)count * sizeof *paths);
    for (int i = 0; i < count; i++)
        paths[i] = run_image_path(run, i);
    GuardEvent event = {.step = step,
                        .batch = run->batch_number,
                        .kind = guard_verdict_name(verdict),
                        .action = action,
                        .loss = loss,
                        .found = guard_found_name(finding->kind),
                        .tensor = finding->name,
                        .records = paths,
                        .record_count = count};
    Status status = run_record_event(&run->record, &event);
    free(paths);
    return status;
}

/* Returns to the newest valid checkpoint; the loader continues after the batch that failed. *found is false when there
 * is no checkpoint. */
static Status roll_back(Run *run, bool *found) {
    int64_t events = run->state.guard_events;
    uint64_t config_hash = run->state.config_hash;
    char *note = NULL;
    Status status = checkpoint_read(run->directory.checkpoints, run->objective->params, &run->state, found, &note);
    if (note)
        monitor_note(&run->monitor, "%s", note);
    free(note);
    if (status_code(status) == EXIT_DATA) { /* none is valid: the same as none */
        monitor_note(&run->monitor, "%s", status_message(status));
        status_free(status);
        status = NULL;
    }
    if (status || !*found)
        return status;
    params_round(run->objective->params, &run->ops);
    run->state.next_batch = run->batch_number + 1;
    run->state.guard_events = events;
    run->state.config_hash = config_hash;
    run->state.has_metric = run->config->val.metric[0] != '\0';
    run->written_step = run->state.step;
    run->validated_step = run->drawn_step = -1;
    TRY(monitor_undo(&run->monitor, run->state.step));
    return layer_watch_undo(&run->layers, &run->monitor);
}

Status guard_handle_event(Run *run, StepVerdict verdict, double loss) {
    const Config *config = run->config;
    /* After an update the failed step is already counted. */
    int64_t step = run->state.step + (verdict == VERDICT_PARAMETERS ? 0 : 1);
    GuardFinding finding = {0};
    if (verdict != VERDICT_SPIKE)
        TRY(guard_find(run->objective, &run->ops, verdict == VERDICT_GRADIENT, &finding));
    char what[LINE], records[LINE], checkpoint[PATH_MAX];
    describe_failure(what, verdict, loss, run->state.loss_mean, &finding);
    list_records(run, records);

    GuardAction action = config->guard.action;
    const char *why = "";
    run->state.guard_events++;
    if (run->state.guard_events > config->guard.max_events && action != GUARD_STOP) {
        action = GUARD_STOP;
        why = " (more than guard.max_events)";
    } else if (action == GUARD_SKIP && finding.kind == FOUND_PARAMETER) {
        action = GUARD_STOP;
        why = " (guard.action = skip cannot repair parameters)";
    }
    /* A checkpoint being written has a good state: it counts as the last one. */
    TRY(checkpoint_writer_wait(run->writer));
    find_last_checkpoint(run, checkpoint);
    bool found = true;
    if (action == GUARD_ROLLBACK) {
        TRY(roll_back(run, &found));
        if (!found) {
            action = GUARD_STOP;
            why = " (no checkpoint to return to)";
        }
    } else if (action == GUARD_SKIP) {
        run->state.next_batch = run->batch_number + 1;
    }
    TRY(note_event(run, verdict, loss, &finding, action_name(action), step));
    if (finding.kind)
        TRY(layer_watch_guard(&run->layers, finding.name, step));
    if (action == GUARD_STOP) {
        const bool returns = config->guard.action != GUARD_ROLLBACK && strcmp(checkpoint, "none") != 0;
        return status_error(EXIT_DIVERGED,
                            "diverged at step %" PRId64 ": %s%s; last good checkpoint: %s; lower optim.base_lr%s; "
                            "batch %" PRIu64 " of %d images (all in run.json) starts with %s",
                            step, what, why, checkpoint,
                            returns ? ", set optim.clip, or try guard.action = rollback with --resume"
                                    : " or set optim.clip",
                            run->batch_number, (int)config->train.global_batch, records);
    }
    TRY(step_start(run->step, run->state.step, run->state.loss_mean));
    monitor_note(&run->monitor,
                 "step %" PRId64 " not applied: %s; batch %" PRIu64 " is skipped (%s), continuing from step "
                 "%" PRId64,
                 step, what, run->batch_number, action_name(action), run->state.step);
    return run_write_record(run);
}

const char *guard_verdict_name(StepVerdict verdict) {
    static const char *const names[] = {[VERDICT_SOUND] = "",
                                        [VERDICT_LOSS] = "loss",
                                        [VERDICT_SPIKE] = "spike",
                                        [VERDICT_GRADIENT] = "gradient",
                                        [VERDICT_PARAMETERS] = "parameters"};
    return names[verdict];
}
