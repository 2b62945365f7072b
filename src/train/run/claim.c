/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/claim.h"

#include "base/files.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys in which a resumed run may differ: they change its speed, its records or where things are, and its weights at
 * most by the rounding of another device or of sums in another order. data.train may differ because the checkpoint
 * knows the data's hash. guard.action and guard.max_events act only on a step that fails. */
static const char *const free_keys[] = {
    "train.device",        "train.threads", "train.micro_batch", "data.workers", "data.prefetch_batches",
    "data.max_unreadable", "data.train",    "data.cache",        "log.",         "monitor.",
    "checkpoint.",         "run.dir",       "val.every",         "guard.action", "guard.max_events"};
/* These may make a run longer: claim_length(). */
static const char *const length_keys[] = {"train.steps", "train.epochs", "optim.extend"};
/* These change what a validation measures alone, and with it what `best` means. */
static const char *const validation_keys[] = {"data.val", "val.images", "val.metric", "probe."};

static bool is_among(const char *key, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(keys[i]);
        bool section = keys[i][length - 1] == '.';
        if (section ? strncmp(key, keys[i], length) == 0 : strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static bool same_line(const TextLine *a, const TextLine *b) {
    return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

enum { NAME = 128 }; /* a key with its section */

/* The name of the key in "key = value", after its section. */
static void name_key(const TextLine *line, const char *section, char name[NAME]) {
    size_t length = 0;
    while (length < line->length && line->start[length] != ' ')
        length++;
    snprintf(name, NAME, "%s.%.*s", section, (int)length, line->start);
}

Status claim_compare(const char *stored, const char *wanted, const char *stored_path, ClaimChanges *changes) {
    const char *stored_end = stored + strlen(stored), *wanted_end = wanted + strlen(wanted);
    char section[NAME] = "", name[NAME];
    TextLine old, new;
    *changes = (ClaimChanges){0};
    while (text_next_line(&stored, stored_end, &old) && text_next_line(&wanted, wanted_end, &new)) {
        if (new.length > 2 && new.start[0] == '[')
            snprintf(section, sizeof section, "%.*s", (int)new.length - 2, new.start + 1);
        if (same_line(&old, &new))
            continue;
        name_key(&new, section, name);
        if (is_among(name, validation_keys, sizeof validation_keys / sizeof *validation_keys))
            changes->validation = true;
        else if (is_among(name, length_keys, sizeof length_keys / sizeof *length_keys))
            changes->length = true;
        else if (!is_among(name, free_keys, sizeof free_keys / sizeof *free_keys))
            return status_error(
                EXIT_USAGE,
                "cannot resume: %s has %.*s, this run has %s.%.*s; use the stored value, or start a new "
                "run in another run.dir",
                stored_path, (int)old.length, old.start, section, (int)new.length, new.start);
    }
    return NULL;
}

static Status compare_stored(const RunDirectory *directory, const Config *config, ClaimChanges *changes) {
    Config stored;
    TRY(config_load(&train_config, &stored, directory->config, NULL, 0, NULL));
    char *old = NULL, *new = NULL;
    Status status = config_text(&train_config, &stored, &old);
    if (!status)
        status = config_text(&train_config, config, &new);
    if (!status)
        status = claim_compare(old, new, directory->config, changes);
    free(old);
    free(new);
    return status;
}

Status claim_length(const RunSummary *earlier, bool hold, int64_t total, int64_t *schedule_steps) {
    const int64_t before = earlier->total_steps, schedule = earlier->schedule_steps;
    *schedule_steps = total;
    if (!before)
        return NULL;
    if (total < before)
        return status_error(EXIT_USAGE,
                            "cannot resume: the run has %" PRId64
                            " steps, and with this configuration it would have %" PRId64
                            "; set train.steps or train.epochs to at least what they were",
                            before, total);
    if (hold)
        *schedule_steps = schedule;
    else if (total == before && schedule < before)
        return status_error(EXIT_USAGE,
                            "cannot resume: the run keeps the learning rate of step %" PRId64
                            " (optim.extend = hold); set "
                            "that again, or raise train.steps to stretch the schedule",
                            schedule);
    return NULL;
}

Status claim_path(const Config *config, const char *config_path, char **path) {
    if (config->run.dir[0])
        return files_path(path, "%s", config->run.dir);
    const char *slash = strrchr(config_path, '/');
    const char *name = slash ? slash + 1 : config_path;
    const char *dot = strrchr(name, '.');
    return files_path(path, "runs/%.*s", dot && dot != name ? (int)(dot - name) : (int)strlen(name), name);
}

static Status check_options(const RunDirectory *directory, const TrainOptions *options, RunDirectoryState state) {
    const char *path = directory->path;
    if (options->force && run_directory_is_shared(directory))
        return status_error(
            EXIT_USAGE,
            "--force is refused in %s, because the current folder or your home is there; choose another "
            "run.dir",
            path);
    if (state != RUN_DIRECTORY_OTHER) {
        if (state == RUN_DIRECTORY_FREE || options->resume || options->force)
            return NULL;
        return status_error(EXIT_USAGE,
                            "run directory %s exists: --resume continues it, --force removes what that run wrote and "
                            "starts a new one, --set run.dir=PATH uses another directory",
                            path);
    }
    /* A folder with a job's output alone can be resumed in: whoever always gives --resume starts from step 0 then. */
    if (options->resume && !files_exists(directory->config))
        return NULL;
    return status_error(EXIT_USAGE,
                        "%s is not a run directory: it has files, but neither a run.json nor a checkpoint of a run; "
                        "choose another run.dir",
                        path);
}

Status claim_open(RunDirectory *directory, const Config *config, const TrainOptions *options, ClaimChanges *changes) {
    RunDirectoryState state;
    *changes = (ClaimChanges){0};
    *directory = (RunDirectory){.lock = -1};
    char *path;
    TRY(claim_path(config, options->config_path, &path));
    Status status = run_directory_open(directory, path);
    free(path);
    TRY(status);
    if (options->resume && options->force)
        return status_error(EXIT_USAGE,
                            "--resume and --force exclude each other: continue the run in %s, or remove it and start a "
                            "new one",
                            directory->path);
    TRY(run_directory_inspect(directory, &state));
    TRY(check_options(directory, options, state));
    return options->resume && files_exists(directory->config) ? compare_stored(directory, config, changes) : NULL;
}

Status claim_create(RunDirectory *directory, const Config *config, bool force) {
    Config own = *config;
    if ((size_t)snprintf(own.run.dir, sizeof own.run.dir, "%s", directory->path) >= sizeof own.run.dir)
        return status_error(EXIT_USAGE, "run.dir: the path %s is too long; use a shorter one", directory->path);
    char *text;
    TRY(config_text(&train_config, &own, &text));
    Status status = run_directory_create(directory, text, force);
    free(text);
    return status;
}
