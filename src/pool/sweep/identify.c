/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/identify.h"

#include "base/files.h"
#include "base/threads.h"
#include "pool/sweep/plan.h"
#include "pool/sweep/trials/trial_command.h"
#include "pool/sweep/trials/trial_config.h"
#include "rundir/run_summary.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_WORKERS = 16 };
_Static_assert((int)TRIAL_HASH == (int)PLAN_HASH, "a trial keeps the hashes of its plan");

typedef struct {
    Sweep *sweep;
    const Words *command; /* of the base */
    char gpu[PLAN_GPU];
    Status *failures; /* [sweep->count] */
    atomic_llong next;
    atomic_bool failed;
} Questions;

/* PROGRAM --set KEY=VALUE ... and the rest of the command, whose own --set come later, as they do in the run. */
static Status make_question(const Words *command, const Trial *trial, Words *words) {
    TRY(words_add(words, "%s", command->list[0]));
    for (int i = 0; i < trial->param_count; i++) {
        TRY(words_add(words, "--set"));
        TRY(words_add(words, "%s=%s", trial->params[i].key, trial->params[i].value));
    }
    TRY(words_add(words, "--set"));
    TRY(words_add(words, "train.seed=%" PRId64, trial->seed));
    TRY(words_add(words, "--set"));
    TRY(words_add(words, "run.dir=%s", trial->run_dir));
    for (int64_t i = 1; i < command->count; i++)
        TRY(words_add(words, "%s", command->list[i]));
    return NULL;
}

static Status take_plan(const Plan *plan, Trial *trial) {
    if (!plan->identity[0])
        return status_error(EXIT_DATA, "the training images are not there; set data.train");
    trial->checkpoint = plan->checkpoint;
    trial->disk = plan->disk;
    trial->gpu_memory = plan->gpu_memory;
    trial->host_memory = plan->host_memory;
    trial->micro_batch = plan->micro_batch;
    memcpy(trial->identity, plan->identity, PLAN_HASH);
    memcpy(trial->config_hash, plan->config_hash, PLAN_HASH);
    memcpy(trial->data_hash, plan->data_hash, PLAN_HASH);
    return NULL;
}

static Status ask_trainer(const char *gpu, const Words *command, Trial *trial) {
    Words words = {0};
    Plan plan = {0};
    Status status = make_question(command, trial, &words);
    if (!status)
        status = plan_read_for(gpu, words.list, NULL, environ, &plan);
    if (!status && plan.trainer)
        status = take_plan(&plan, trial);
    plan_free(&plan);
    words_free(&words);
    return status;
}

static void *work(void *context) {
    Questions *questions = context;
    for (;;) {
        const int64_t i = atomic_fetch_add(&questions->next, 1);
        if (i >= questions->sweep->count || atomic_load(&questions->failed))
            return NULL;
        questions->failures[i] = ask_trainer(questions->gpu, questions->command, &questions->sweep->trials[i]);
        if (questions->failures[i])
            atomic_store(&questions->failed, true);
    }
}

/* The first failure, with the trial that it is of. */
static Status report_failure(const char *path, Questions *questions) {
    const Sweep *sweep = questions->sweep;
    Status status = NULL;
    for (int64_t i = 0; i < sweep->count; i++) {
        if (questions->failures[i] && !status) {
            char *text = NULL;
            status_free(trial_describe(&sweep->trials[i], &text));
            status = status_error(status_code(questions->failures[i]), "%s: the trial %s is refused: %s", path,
                                  text ? text : sweep->trials[i].id, status_message(questions->failures[i]));
            free(text);
        }
        status_free(questions->failures[i]);
    }
    return status;
}

static Status ask_all(const char *path, Sweep *sweep, const Words *command) {
    Questions questions = {.sweep = sweep, .command = command};
    Threads threads;
    TRY(plan_gpu(questions.gpu));
    questions.failures = calloc((size_t)sweep->count, sizeof *questions.failures);
    if (!questions.failures)
        return status_no_memory("the trials", (size_t)sweep->count * sizeof *questions.failures);
    /* Each waits for a process, which takes a core for a moment. */
    const int cores = threads_available();
    const int64_t wanted = sweep->count < cores ? sweep->count : cores;
    Status status = threads_start(&threads, (int)(wanted < MAX_WORKERS ? wanted : MAX_WORKERS), "the trials' plans",
                                  work, &questions);
    threads_join(&threads);
    Status failure = report_failure(path, &questions);
    free(questions.failures);
    if (!status)
        return failure;
    status_free(failure);
    return status;
}

static Status hash_text(const Sweep *sweep, Trial *trial, const char *base) {
    char *text;
    TRY(trial_config_text(sweep, trial, base, false, &text));
    const uint64_t command = XXH3_64bits(sweep->command, strlen(sweep->command));
    snprintf(trial->identity, PLAN_HASH, "%016" PRIx64, (uint64_t)XXH3_64bits_withSeed(text, strlen(text), command));
    free(text);
    return NULL;
}

/* What a report has once, of some kind of task; "val" is a task's main metric on its val people. */
static bool is_figure(const char *name) {
    const Figure *const tables[] = {classification_figures, calibration_figures, threshold_figures, multilabel_figures,
                                    regression_figures};
    bool known = strcmp(name, "val") == 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        known |= figure_find(tables[i], name) != NULL;
    return known;
}

/* A slip in it would show when all trials have run. */
static Status check_metric(const char *path, const Sweep *sweep, bool trainer) {
    char *task;
    TRY(trial_command_task(sweep, &task));
    Status status = NULL;
    if (task && !files_exists(task))
        status =
            status_error(EXIT_USAGE, "%s: metric = %s: there is no task %s; correct it", path, sweep->metric, task);
    else if (task && !is_figure(strrchr(sweep->metric, ':') + 1))
        status = status_error(EXIT_USAGE,
                              "%s: metric = %s: a report has no figure %s; take val, or a name of docs/metrics.md",
                              path, sweep->metric, strrchr(sweep->metric, ':') + 1);
    else if (!task && trainer && !run_number_known(sweep->metric))
        status = status_error(EXIT_USAGE,
                              "%s: metric = %s: run.json of ./train has no such number; take val_loss, best_val_loss, "
                              "val_metric, or another one of docs/run-directory.md",
                              path, sweep->metric);
    free(task);
    return status;
}

static void find_same(Sweep *sweep) {
    for (int64_t i = 0; i < sweep->count; i++)
        for (int64_t j = 0; j < i && sweep->trials[i].same_as < 0; j++)
            if (sweep->trials[j].same_as < 0 && strcmp(sweep->trials[i].identity, sweep->trials[j].identity) == 0)
                sweep->trials[i].same_as = j;
}

Status identify_trials(const char *path, Sweep *sweep, const char *base) {
    Words command;
    Status status = trial_command_words(sweep, sweep->base, &command);
    const bool trainer = !status && command.count && plan_is_trainer(command.list);
    if (!status)
        status = check_metric(path, sweep, trainer);
    if (!status && trainer)
        status = ask_all(path, sweep, &command);
    for (int64_t i = 0; i < sweep->count && !status; i++)
        if (!sweep->trials[i].identity[0])
            status = hash_text(sweep, &sweep->trials[i], base);
    words_free(&command);
    if (!status)
        find_same(sweep);
    return status;
}
