/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/outcome/trial_outcome.h"

#include "base/files.h"
#include "base/paths.h"
#include "pool/sweep/trials/trial_command.h"
#include "rundir/metrics.h"
#include "rundir/run_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The metric METRIC of a report: of the checkpoint that was evaluated, on test by image; "val" is the one on val. */
static double read_report(const cJSON *report, const char *metric) {
    const cJSON *checkpoint = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(report, "checkpoints"), 0), *figure;
    const cJSON *by_image = cJSON_GetObjectItemCaseSensitive(checkpoint, "by_image");
    const cJSON *value = strcmp(metric, "val") == 0 ? cJSON_GetObjectItemCaseSensitive(checkpoint, "val") : NULL;
    cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(by_image, "figures")) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(figure, "name"));
        const cJSON *part = cJSON_GetObjectItemCaseSensitive(figure, "part");
        if (!value && name && strcmp(name, metric) == 0 && !cJSON_IsString(part))
            value = cJSON_GetObjectItemCaseSensitive(figure, "value");
    }
    return cJSON_IsNumber(value) ? value->valuedouble : (double)NAN;
}

/* RUN/eval/TASK/report.json, which the evaluation writes last. */
static Status read_evaluation(const Sweep *sweep, const Trial *trial, const char *task, Outcome *outcome) {
    char *path, *text = NULL;
    size_t size;
    const char *name = path_name(task);
    const size_t length = strlen(name), ending = strlen(".ini");
    const bool ini = length > ending && strcmp(name + length - ending, ".ini") == 0;
    TRY(files_path(&path, "%s/eval/%.*s/report.json", trial->run_dir, (int)(length - (ini ? ending : 0)), name));
    Status status = files_read(path, &text, &size);
    free(path);
    if (status) {
        outcome->ended = false;
        status_free(status);
        return NULL;
    }
    cJSON *report = cJSON_Parse(text);
    outcome->score = read_report(report, strrchr(sweep->metric, ':') + 1);
    if (!isfinite(outcome->score))
        snprintf(outcome->reason, sizeof outcome->reason, "report.json has no %s", strrchr(sweep->metric, ':') + 1);
    cJSON_Delete(report);
    free(text);
    return NULL;
}

static Status read_score(const Sweep *sweep, const Trial *trial, const char *record, Outcome *outcome) {
    char *task;
    TRY(trial_command_task(sweep, &task));
    if (task) {
        Status status = outcome->ended ? read_evaluation(sweep, trial, task, outcome) : NULL;
        free(task);
        return status;
    }
    status_free(run_number_read(record, sweep->metric, &outcome->score));
    if (outcome->ended && !isfinite(outcome->score))
        snprintf(outcome->reason, sizeof outcome->reason, "run.json has no number %.100s", sweep->metric);
    return NULL;
}

/* The last step of metrics.jsonl, which is ahead of run.json while the run lasts. */
static void read_step(const char *path, Outcome *outcome) {
    MetricsLine line;
    bool found = false;
    status_free(metrics_last(path, &line, &found));
    if (found)
        outcome->step = line.step;
}

Status outcome_read(const Sweep *sweep, const Trial *trial, Outcome *outcome) {
    char *record, *metrics;
    RunSummary run;
    *outcome = (Outcome){.state = JOB_WAITING, .gpu = -1, .score = NAN, .step = -1, .seconds = NAN};
    TRY(files_path(&record, "%s/run.json", trial->run_dir));
    run_summary_read_any(record, &run);
    Status status = files_path(&metrics, "%s/metrics.jsonl", trial->run_dir);
    if (!status && files_exists(record)) {
        if (run.status != RUN_UNKNOWN)
            outcome->step = run.steps;
        if (run.status == RUN_RUNNING)
            read_step(metrics, outcome);
        outcome->ended = run.status == RUN_FINISHED || run.status == RUN_UNTIL;
        if (run.started && run.ended)
            outcome->seconds = (double)(run.ended - run.started);
        status = read_score(sweep, trial, record, outcome);
        /* Another program's record says nothing but its numbers. */
        if (run.status == RUN_UNKNOWN)
            outcome->ended = isfinite(outcome->score);
        if (outcome->ended)
            outcome->state = JOB_DONE;
        if (!outcome->ended && run.status == RUN_FAILED && run.exit_reason)
            snprintf(outcome->reason, sizeof outcome->reason, "%s", run.exit_reason);
    }
    run_summary_close(&run);
    free(metrics);
    free(record);
    return status;
}

static double get_number(const cJSON *object, const char *key, double otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

static const char *get_text(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static void take_attempts(const cJSON *job, double now, Outcome *outcome) {
    const cJSON *attempt, *last = NULL;
    double seconds = 0;
    cJSON_ArrayForEach(attempt, cJSON_GetObjectItemCaseSensitive(job, "attempts")) {
        const double from = get_number(attempt, "from", NAN), to = get_number(attempt, "to", now);
        seconds += to > from ? to - from : 0;
        last = attempt;
    }
    if (!last)
        return;
    outcome->seconds = seconds;
    const cJSON *gpu = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(last, "gpus"), 0);
    outcome->gpu = cJSON_IsNumber(gpu) ? gpu->valueint : -1;
}

/* A job that is over counts for less than results that are complete: they may be of a later one. */
static void take_job(const cJSON *job, double now, Outcome *outcome) {
    const int64_t number = (int64_t)get_number(job, "job", 0);
    const JobState state = job_state_of(get_text(job, "state"));
    if (number <= outcome->job || (int)state == JOB_STATES)
        return;
    outcome->job = number;
    outcome->live = state < JOB_DONE;
    take_attempts(job, now, outcome);
    if (!outcome->live && outcome->ended)
        return;
    outcome->state = state;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", get_text(job, "reason"));
    if (state == JOB_DONE) {
        outcome->state = JOB_FAILED;
        snprintf(outcome->reason, sizeof outcome->reason, "it ended well, but without results in its run directory");
    }
}

/* The trial whose own run directory, below `folder`, is the job's; -1: none. */
static int64_t find_trial(const Sweep *sweep, const char *folder, const cJSON *job) {
    const char *run_dir = get_text(job, "run_dir");
    const size_t length = strlen(folder);
    if (strncmp(run_dir, folder, length) != 0 || run_dir[length] != '/')
        return -1;
    const int64_t trial = sweep_find_trial(sweep, path_name(run_dir));
    const bool own = trial >= 0 && !sweep->trials[trial].before && sweep->trials[trial].same_as < 0;
    return own && strcmp(sweep->trials[trial].run_dir, run_dir + length + 1) == 0 ? trial : -1;
}

static Status take_jobs(const Sweep *sweep, const cJSON *jobs, double now, Outcome *outcomes) {
    char folder[4096];
    const cJSON *job;
    if (!getcwd(folder, sizeof folder))
        return status_error(EXIT_IO, "the current folder has no name; call from another one");
    cJSON_ArrayForEach(job, jobs) {
        const int64_t trial = find_trial(sweep, folder, job);
        if (trial >= 0)
            take_job(job, now, &outcomes[trial]);
    }
    return NULL;
}

Status outcome_read_all(const Sweep *sweep, const cJSON *const *jobs, int count, double now, Outcome *outcomes) {
    for (int64_t i = 0; i < sweep->count; i++)
        TRY(outcome_read(sweep, &sweep->trials[i], &outcomes[i]));
    for (int list = 0; list < count; list++)
        TRY(take_jobs(sweep, jobs[list], now, outcomes));
    for (int64_t i = 0; i < sweep->count; i++) {
        const Trial *trial = &sweep->trials[i];
        if (trial->same_as >= 0) {
            outcomes[i] = outcomes[trial->same_as];
            snprintf(outcomes[i].reason, sizeof outcomes[i].reason, "the same run as %s",
                     sweep->trials[trial->same_as].id);
        } else if (trial->before) {
            const Outcome own = outcomes[i];
            snprintf(outcomes[i].reason, sizeof outcomes[i].reason, "ran in the sweep %s%s%.160s", trial->before,
                     *own.reason ? "; " : "", own.reason);
        }
    }
    return NULL;
}

bool outcome_is_better(const Sweep *sweep, double a, double b) {
    if (!isfinite(a) || !isfinite(b))
        return isfinite(a);
    return sweep->max ? a > b : a < b;
}

/* Less is nearer to the top. */
static int stand(const Outcome *outcome) {
    static const int stands[] = {[JOB_DONE] = 0, [JOB_RUNNING] = 2,   [JOB_STOPPING] = 2, [JOB_WAITING] = 3,
                                 [JOB_HELD] = 4, [JOB_CANCELLED] = 5, [JOB_FAILED] = 6};
    return stands[outcome->state] + (outcome->state == JOB_DONE && !isfinite(outcome->score));
}

static bool comes_before(const Sweep *sweep, const Outcome *a, const Outcome *b) {
    if (stand(a) != stand(b))
        return stand(a) < stand(b);
    return a->state == JOB_DONE && outcome_is_better(sweep, a->score, b->score);
}

/* Trials of equal standing stay in their own order. */
void outcome_order(const Sweep *sweep, const Outcome *outcomes, int64_t *order) {
    for (int64_t i = 0; i < sweep->count; i++) {
        int64_t place = i;
        for (; place > 0 && comes_before(sweep, &outcomes[i], &outcomes[order[place - 1]]); place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

double outcome_mean(const Sweep *sweep, const Outcome *outcomes, int64_t set, double *deviation) {
    double sum = 0, squares = 0;
    int64_t count = 0;
    *deviation = NAN;
    for (int64_t i = 0; i < sweep->count; i++)
        if (sweep->trials[i].set == set) {
            if (outcomes[i].state != JOB_DONE || !isfinite(outcomes[i].score))
                return NAN;
            sum += outcomes[i].score;
            count++;
        }
    for (int64_t i = 0; i < sweep->count; i++)
        if (sweep->trials[i].set == set)
            squares += pow(outcomes[i].score - sum / (double)count, 2);
    if (count > 1)
        *deviation = sqrt(squares / (double)(count - 1));
    return sum / (double)count;
}

bool outcome_all_well(const Sweep *sweep, const Outcome *outcomes) {
    for (int64_t i = 0; i < sweep->count; i++)
        if (outcomes[i].state != JOB_DONE || !isfinite(outcomes[i].score))
            return false;
    return true;
}
