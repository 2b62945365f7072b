/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/budget/run_checkpoints.h"

#include "base/files.h"
#include "checkpoint/checksums.h"
#include "checkpoint/directory.h"
#include "rundir/run_directory.h"
#include "rundir/run_summary.h"
#include "train/keep_at.h"

#include <inttypes.h>
#include <stdlib.h>

/* What is in a run directory. */
typedef struct {
    RunDirectory directory;
    int64_t total; /* steps of the run */
    CheckpointEntry *entries;
    int count;
} Found;

static Status find_run(const char *run, Found *found) {
    *found = (Found){.directory = {.lock = -1}};
    TRY(run_directory_open(&found->directory, run));
    if (!files_exists(found->directory.config) || !files_exists(found->directory.record))
        return status_error(EXIT_DATA, "%s is no run directory: it has no config.ini and run.json; give one of ./train",
                            run);
    RunSummary summary;
    Status status = run_summary_read(found->directory.record, &summary);
    found->total = summary.total_steps;
    run_summary_close(&summary);
    TRY(status);
    if (found->total < 1)
        return status_error(EXIT_DATA, "%s: does not say how many steps the run has; resume it once",
                            found->directory.record);
    TRY(checkpoint_list(found->directory.checkpoints, &found->entries, &found->count));
    return found->count
               ? NULL
               : status_error(EXIT_DATA, "%s has no checkpoint; let the run go on", found->directory.checkpoints);
}

static void forget_run(Found *found) {
    run_directory_close(&found->directory);
    free(found->entries);
}

/* Marks the checkpoints to show; entries are those of checkpoint_list(), the newest first. */
static Status mark_shares(const char *run, const Found *found, bool *shown) {
    Config config;
    TRY(config_load(&train_config, &config, found->directory.config, NULL, 0, NULL));
    const CheckpointKeep keep = keep_at_steps(&config, found->total);
    const int64_t newest = found->entries[0].step;
    bool any = false;
    for (int i = 0; i < found->count && !keep.step_count; i++)
        any |= shown[i] = !found->entries[i].old;
    for (int i = 0; i < keep.step_count; i++) {
        const int nearest = checkpoint_nearest(found->entries, found->count, keep.steps[i], newest);
        if (keep.steps[i] <= newest && nearest >= 0)
            any = shown[nearest] = true;
    }
    return any ? NULL
               : status_error(EXIT_DATA,
                              "%s: the newest checkpoint, of step %" PRId64
                              ", is before the first share of checkpoint.keep_at = %s; let the run go on",
                              run, newest, config.checkpoint.keep_at);
}

static Status add_checkpoint(const Found *found, const CheckpointEntry *entry, RunCheckpoints *checkpoints) {
    RunCheckpoint *own = &checkpoints->list[checkpoints->count];
    TRY(files_path(&own->path, "%s/%s", found->directory.checkpoints, entry->name));
    own->step = entry->step;
    own->share = (double)entry->step / (double)found->total;
    checkpoints->count++;
    return checkpoint_verify(own->path);
}

static Status list_shown(const char *run, const Found *found, RunCheckpoints *checkpoints) {
    bool *shown = calloc((size_t)found->count, sizeof *shown);
    checkpoints->list = calloc((size_t)found->count, sizeof *checkpoints->list);
    Status status = shown && checkpoints->list
                        ? mark_shares(run, found, shown)
                        : status_no_memory("a run's checkpoints", (size_t)found->count * sizeof *checkpoints->list);
    for (int i = found->count - 1; i >= 0 && !status; i--)
        if (shown[i])
            status = add_checkpoint(found, &found->entries[i], checkpoints);
    free(shown);
    return status;
}

Status run_checkpoints_open(const char *run, RunCheckpoints *checkpoints) {
    Found found;
    *checkpoints = (RunCheckpoints){0};
    Status status = find_run(run, &found);
    if (!status)
        status = list_shown(run, &found, checkpoints);
    forget_run(&found);
    return status;
}

void run_checkpoints_close(RunCheckpoints *checkpoints) {
    for (int i = 0; i < checkpoints->count; i++)
        free(checkpoints->list[i].path);
    free(checkpoints->list);
    *checkpoints = (RunCheckpoints){0};
}
