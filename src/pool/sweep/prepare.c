/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/prepare.h"

#include "base/files.h"
#include "base/text.h"
#include "pool/sweep/trials/sweep_record.h"
#include "rundir/run_directory.h"
#include "rundir/run_summary.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static const double GIGABYTE = 1e9;

/* Whether run.json says that the run is of this configuration and these data. Another program's says nothing. */
static bool is_same_run(const char *record, const Trial *trial) {
    RunSummary run;
    char config[TRIAL_HASH], data[TRIAL_HASH];
    run_summary_read_any(record, &run);
    snprintf(config, sizeof config, "%016" PRIx64, run.config_hash);
    snprintf(data, sizeof data, "%016" PRIx64, run.data_hash);
    run_summary_close(&run);
    return strcmp(config, trial->config_hash) == 0 && strcmp(data, trial->data_hash) == 0;
}

static bool is_same_trial(const Sweep *earlier, const Trial *trial) {
    const int64_t old = sweep_find_trial(earlier, trial->id);
    return old >= 0 && strcmp(earlier->trials[old].identity, trial->identity) == 0;
}

Status prepare_check_earlier(const Sweep *sweep, const Sweep *earlier) {
    for (int64_t i = 0; i < sweep->count; i++) {
        const Trial *trial = &sweep->trials[i];
        char *record;
        if (is_same_trial(earlier, trial))
            continue;
        TRY(files_path(&record, "%s/run.json", trial->run_dir));
        const bool other = files_exists(record) && !is_same_run(record, trial);
        free(record);
        if (other)
            return status_error(EXIT_USAGE,
                                "%s has a run of another base or of other data; give the sweep another name, or remove "
                                "that folder",
                                trial->run_dir);
    }
    return NULL;
}

Status prepare_check_live(const Sweep *sweep, const Sweep *earlier, const Outcome *outcomes) {
    for (int64_t i = 0; i < sweep->count; i++)
        if (outcomes[i].live && !is_same_trial(earlier, &sweep->trials[i]))
            return status_error(EXIT_REFUSED,
                                "job %" PRId64
                                " of the trial %s has another base or other data; `./pool cancel %" PRId64
                                "` first, or give the sweep another name",
                                outcomes[i].job, sweep->trials[i].id, outcomes[i].job);
    return NULL;
}

static Status has_results(const Sweep *sweep, const Trial *trial, bool *has) {
    Outcome outcome;
    TRY(outcome_read(sweep, trial, &outcome));
    *has = outcome.ended;
    return NULL;
}

/* Looks among the trials of the sweep `other`, whose own results they are. */
static Status find_in(Sweep *sweep, const Sweep *other) {
    for (int64_t i = 0; i < sweep->count; i++) {
        Trial *trial = &sweep->trials[i];
        bool has = false;
        if (trial->before || trial->same_as >= 0)
            continue;
        TRY(has_results(sweep, trial, &has));
        for (int64_t j = 0; j < other->count && !has; j++) {
            const Trial *old = &other->trials[j];
            bool there = false;
            if (old->before || old->same_as >= 0 || strcmp(old->identity, trial->identity) != 0)
                continue;
            TRY(has_results(sweep, old, &there));
            if (!there)
                continue;
            free(trial->run_dir);
            trial->run_dir = NULL;
            TRY(text_format(&trial->run_dir, "%s", old->run_dir));
            TRY(text_format(&trial->before, "%s", other->name));
            break;
        }
    }
    return NULL;
}

Status prepare_find_before(Sweep *sweep) {
    DIR *directory = opendir("runs/sweeps");
    Status status = NULL;
    if (!directory)
        return files_failure("read", "runs/sweeps", errno);
    for (struct dirent *entry; !status && (entry = readdir(directory));) {
        Sweep other;
        bool found;
        if (!sweep_name_fits(entry->d_name) || strcmp(entry->d_name, sweep->name) == 0)
            continue;
        /* A record that is damaged is of no use, and no harm. */
        Status failure = sweep_record_read(entry->d_name, &other, &found);
        if (!failure)
            status = find_in(sweep, &other);
        status_free(failure);
        sweep_free(&other);
    }
    closedir(directory);
    return status;
}

void prepare_wanted(const Sweep *sweep, const Sweep *earlier, const Outcome *outcomes, bool *wanted) {
    for (int64_t i = 0; i < sweep->count; i++) {
        const Trial *trial = &sweep->trials[i];
        const Outcome *outcome = &outcomes[i];
        const bool failed = outcome->job && (outcome->state == JOB_FAILED || outcome->state == JOB_CANCELLED);
        wanted[i] = trial->same_as < 0 && !trial->before && !outcome->ended && !outcome->live &&
                    !(failed && is_same_trial(earlier, trial));
    }
}

Status prepare_check_disk(const Sweep *sweep, const bool *wanted, int64_t at_a_time) {
    double needed = 0, most = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < sweep->count; i++) {
        const Trial *trial = &sweep->trials[i];
        const double more = (double)(trial->disk - trial->checkpoint);
        if (!wanted[i])
            continue;
        needed += (double)trial->checkpoint;
        most = more > most ? more : most;
        count++;
    }
    needed += most * (double)(count < at_a_time ? count : at_a_time);
    struct statvfs disk;
    if (statvfs("runs/sweeps", &disk) != 0)
        return files_failure("look at", "runs/sweeps", errno);
    const double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    if (needed <= free_bytes)
        return NULL;
    return status_error(EXIT_REFUSED,
                        "the checkpoints of %" PRId64 " trials need %.1f GB of disk, and %.1f GB are free in "
                        "runs/sweeps; free some, or lower checkpoint.keep or the number of trials",
                        count, needed / GIGABYTE, free_bytes / GIGABYTE);
}
