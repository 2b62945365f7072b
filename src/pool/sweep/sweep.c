/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep.h"

#include "base/file_lock.h"
#include "base/files.h"
#include "pool/sweep/follow.h"
#include "pool/sweep/identify.h"
#include "pool/sweep/outcome/prune.h"
#include "pool/sweep/outcome/sweep_table.h"
#include "pool/sweep/prepare.h"
#include "pool/sweep/slurm.h"
#include "pool/sweep/sweep_jobs.h"
#include "pool/sweep/trials/expand.h"
#include "pool/sweep/trials/sweep_record.h"
#include "pool/sweep/trials/trial_config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sweep that is being run. */
typedef struct {
    const SweepOptions *options;
    Sweep sweep, earlier; /* `earlier`: as the last call had it */
    char *base;           /* text of the base's file */
    char *folder;         /* runs/sweeps/NAME */
    int lock;             /* the folder, under flock(2); -1: not locked */
    bool *wanted;         /* [sweep.count] that have to run */
} SweepCall;

static Status read_file(SweepCall *call) {
    SweepFile *file = calloc(1, sizeof *file);
    size_t size;
    if (!file)
        return status_no_memory("a sweep's file", sizeof *file);
    Status status = sweep_file_load(call->options->file, file);
    if (!status) {
        status = expand_sweep(call->options->file, file, &call->sweep);
        sweep_file_free(file);
    }
    free(file);
    TRY(status);
    status = files_read(call->sweep.base, &call->base, &size);
    if (status_code(status) != EXIT_IO)
        return status;
    status_free(status); /* a wrong name */
    return status_error(EXIT_USAGE, "%s: base = %s cannot be read; name a configuration", call->options->file,
                        call->sweep.base);
}

static Status lock_folder(SweepCall *call) {
    TRY(sweep_folder(call->sweep.name, &call->folder));
    TRY(files_make_directory(call->folder));
    call->lock = open(call->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (call->lock < 0)
        return files_failure("open", call->folder, errno);
    if (file_lock(call->lock, call->folder, stderr))
        return NULL;
    close(call->lock);
    call->lock = -1;
    return status_error(EXIT_REFUSED,
                        "another `pool sweep` of %s is under way; wait for it, or look with `pool sweep show %s`",
                        call->sweep.name, call->sweep.name);
}

static Status write_configs(const SweepCall *call) {
    for (int64_t i = 0; i < call->sweep.count; i++)
        if (call->sweep.trials[i].same_as < 0 && !call->sweep.trials[i].before)
            TRY(trial_config_write(&call->sweep, &call->sweep.trials[i], call->base));
    return sweep_record_write(&call->sweep);
}

static int64_t count_wanted(const SweepCall *call) {
    int64_t count = 0;
    for (int64_t i = 0; i < call->sweep.count; i++)
        count += call->wanted[i];
    return count;
}

/* None is queued unless the pool takes all. */
static Status submit_wanted(SweepCall *call, Follow *follow) {
    for (int64_t i = 0; i < call->sweep.count; i++)
        if (call->wanted[i])
            TRY(sweep_jobs_submit(follow->client, &call->sweep, &call->sweep.trials[i], NULL));
    for (int64_t i = 0; i < call->sweep.count; i++) {
        int64_t job;
        if (!call->wanted[i])
            continue;
        TRY(sweep_jobs_submit(follow->client, &call->sweep, &call->sweep.trials[i], &job));
        /* One that ends before the next look is looked for all the same. */
        follow->outcomes[i].job = job;
        follow->outcomes[i].live = true;
        if (call->options->detach)
            printf("%s  job %" PRId64 "\n", call->sweep.trials[i].id, job);
    }
    return NULL;
}

/* Failures are retried on request alone. */
static void advise_retry(const Sweep *sweep, const Outcome *outcomes) {
    char jobs[512] = "";
    for (int64_t i = 0; i < sweep->count; i++) {
        const size_t used = strlen(jobs);
        if ((outcomes[i].state == JOB_FAILED || outcomes[i].state == JOB_CANCELLED) && outcomes[i].job &&
            sweep->trials[i].same_as < 0)
            snprintf(jobs + used, sizeof jobs - used, " %" PRId64, outcomes[i].job);
    }
    if (*jobs)
        printf("again: ./pool retry%s; ./pool logs JOB says why\n", jobs);
}

static Status print_result(const Sweep *sweep, const Outcome *outcomes) {
    ViewPage page;
    view_page(&page, stdout);
    TRY(sweep_table_print(sweep, outcomes, 0, &page));
    advise_retry(sweep, outcomes);
    fflush(stdout);
    return NULL;
}

static Status run_jobs(SweepCall *call, Follow *follow, bool *well) {
    int64_t gpus;
    TRY(sweep_jobs_gpus(follow->client, &gpus));
    TRY(prepare_check_live(&call->sweep, &call->earlier, follow->outcomes));
    prepare_wanted(&call->sweep, &call->earlier, follow->outcomes, call->wanted);
    TRY(prepare_check_disk(&call->sweep, call->wanted, gpus));
    TRY(write_configs(call));
    TRY(submit_wanted(call, follow));
    if (call->options->detach) {
        *well = true;
        printf("%" PRId64 " of %" PRId64 " trials queued; `./pool sweep show %s` says how they stand\n",
               count_wanted(call), call->sweep.count, call->sweep.name);
        return NULL;
    }
    TRY(follow_until_over(follow));
    *well = outcome_all_well(&call->sweep, follow->outcomes);
    return print_result(&call->sweep, follow->outcomes);
}

static Status write_script(SweepCall *call, const Outcome *outcomes, bool *well) {
    char *path;
    prepare_wanted(&call->sweep, &call->earlier, outcomes, call->wanted);
    TRY(prepare_check_disk(&call->sweep, call->wanted, call->sweep.count));
    TRY(write_configs(call));
    *well = true;
    if (!count_wanted(call)) {
        printf("all %" PRId64 " trials have run; `./pool sweep show %s` has the result\n", call->sweep.count,
               call->sweep.name);
        return NULL;
    }
    Status status = slurm_write(&call->sweep, call->wanted, &path);
    if (!status)
        printf("%" PRId64 " of %" PRId64 " trials: sbatch %s\n", count_wanted(call), call->sweep.count, path);
    free(path);
    return status;
}

static Status run_call(SweepCall *call, bool *well) {
    bool found;
    TRY(read_file(call));
    TRY(identify_trials(call->options->file, &call->sweep, call->base));
    TRY(lock_folder(call));
    TRY(sweep_record_read(call->sweep.name, &call->earlier, &found));
    TRY(prepare_check_earlier(&call->sweep, &call->earlier));
    TRY(prepare_find_before(&call->sweep));
    call->wanted = calloc((size_t)call->sweep.count, sizeof *call->wanted);
    if (!call->wanted)
        return status_no_memory("the trials", (size_t)call->sweep.count);
    PoolClient *client = NULL;
    if (!call->options->slurm)
        TRY(pool_client_open(call->options->state, true, &client));
    Follow follow;
    Status status = follow_open(&follow, &call->sweep, call->options->state, client);
    if (!status)
        status = call->options->slurm ? write_script(call, follow.outcomes, well) : run_jobs(call, &follow, well);
    follow_close(&follow);
    return status;
}

Status sweep_run(const SweepOptions *options, bool *well) {
    SweepCall call = {.options = options, .lock = -1};
    *well = false;
    Status status = run_call(&call, well);
    if (status && call.lock >= 0)
        rmdir(call.folder); /* which works where nothing was written */
    if (call.lock >= 0)
        close(call.lock);
    sweep_free(&call.sweep);
    sweep_free(&call.earlier);
    free(call.base);
    free(call.folder);
    free(call.wanted);
    return status;
}

static Status show_sweep(const Sweep *sweep, const char *state, bool json, bool *well) {
    PoolClient *client = NULL;
    Follow follow;
    status_free(pool_client_open(state, false, &client)); /* run directories say the most */
    Status status = follow_open(&follow, sweep, state, client);
    if (!status) {
        *well = outcome_all_well(sweep, follow.outcomes);
        if (json) {
            Json out;
            char *text = NULL;
            size_t size;
            json_open(&out, NULL);
            sweep_table_json(sweep, follow.outcomes, &out);
            status = json_close(&out, "the sweep", &text, &size);
            if (!status && (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0))
                status = status_error(EXIT_IO, "standard output: the sweep cannot be written");
            free(text);
        } else {
            status = print_result(sweep, follow.outcomes);
        }
    }
    follow_close(&follow);
    return status;
}

Status sweep_show(const char *name, const char *state, bool json, bool *well) {
    Sweep sweep = {0};
    bool found = false;
    *well = false;
    Status status = sweep_name_fits(name) ? sweep_record_read(name, &sweep, &found) : NULL;
    if (!status && !found)
        status = status_error(EXIT_USAGE, "there is no sweep %.64s in runs/sweeps; `ls runs/sweeps` names them", name);
    if (!status)
        status = show_sweep(&sweep, state, json, well);
    sweep_free(&sweep);
    return status;
}
