/* SPDX-License-Identifier: Apache-2.0 */
/* A schedule on a database in memory, a clock that the test sets, and a host that starts and stops jobs as they are
 * asked to, and no more: the test ends them. Include after cmocka.h. */
#ifndef FOVEA_TESTS_POOL_JOB_NODE_H
#define FOVEA_TESTS_POOL_JOB_NODE_H

#include "pool/schedule/schedule.h"
#include "tests/fixtures/check.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOB_NODE_RUNS = 4096, JOB_NODE_OPEN = 4 * POOL_GPUS };
static const int64_t JOB_NODE_GIB = (int64_t)1 << 30;

/* An attempt that the host started. */
typedef struct {
    int64_t job;
    int number, gpu_count, gpus[POOL_GPUS];
    bool live;
    int signal; /* the last one that it got */
    bool owed;  /* it ended while no daemon ran */
    JobEnd end; /* so */
} JobRun;

typedef struct {
    Rule rule;
    Store *store;
    Schedule *schedule;
    double now;
    int64_t memory;
    JobRun runs[JOB_NODE_RUNS];
    int run_count;
    char notices[4096]; /* "event job; " */
    bool deaf;          /* the daemon is killed before it does anything about what it wrote */
    bool busy;          /* whether GPUs of running jobs read 90 % in place of 0 */
} JobNode;

static inline JobRun *node_find(JobNode *node, int64_t job) {
    for (int i = node->run_count - 1; i >= 0; i--)
        if (node->runs[i].job == job && node->runs[i].live)
            return &node->runs[i];
    return NULL;
}

static inline void node_start(void *context, const Job *job, const Attempt *attempt) {
    JobNode *node = context;
    if (node->deaf)
        return;
    assert_string_equal(job->request, "{}"); /* the host gets it, though memory does not have it */
    assert_null(node_find(node, job->id));
    assert_true(node->run_count < JOB_NODE_RUNS);
    JobRun *run = &node->runs[node->run_count++];
    *run = (JobRun){.job = job->id, .number = attempt->number, .gpu_count = attempt->gpu_count, .live = true};
    memcpy(run->gpus, attempt->gpus, sizeof run->gpus);
}

static inline void node_stop(void *context, const Job *job, const Attempt *attempt, int signal) {
    JobRun *run = node_find(context, job->id);
    if (run && run->number == attempt->number && !((JobNode *)context)->deaf)
        run->signal = signal;
}

static inline void node_notify(void *context, const char *event, const char *text, int64_t job, int gpu) {
    (void)text, (void)gpu;
    JobNode *node = context;
    const size_t length = strlen(node->notices);
    if (length + 64 < sizeof node->notices)
        snprintf(node->notices + length, sizeof node->notices - length, "%s %" PRId64 "; ", event, job);
}

static inline ScheduleHost node_host(JobNode *node) {
    return (ScheduleHost){node, node_start, node_stop, node_notify};
}

static inline JobRun *node_find_owed(JobNode *node, int64_t job) {
    for (int i = node->run_count - 1; i >= 0; i--)
        if (node->runs[i].job == job && node->runs[i].owed)
            return &node->runs[i];
    return NULL;
}

/* What became of an attempt that the database has as not ended. */
static inline Status node_resume(JobNode *node, int64_t job) {
    JobRun *owed = node_find_owed(node, job);
    if (node_find(node, job))
        return schedule_adopt(node->schedule, job, node->now);
    if (!owed)
        return schedule_not_started(node->schedule, job, node->now);
    owed->owed = false;
    return schedule_ended(node->schedule, job, owed->end, "", node->now);
}

/* Opens the schedule over the database that there is, and lists the attempts in it that have not ended. */
static inline int node_reopen(JobNode *node, int64_t open[JOB_NODE_OPEN]) {
    const ScheduleHost host = node_host(node);
    int count = 0;
    assert_fine(schedule_open(&node->schedule, &node->rule, node->store, &host, node->memory, node->now));
    for (int i = 0; i < schedule_job_count(node->schedule); i++) {
        const Job *job = schedule_job(node->schedule, i);
        if (schedule_attempt(node->schedule, job->id))
            open[count++] = job->id;
    }
    return count;
}

/* The same, and tells it what became of them. */
static inline void node_begin(JobNode *node) {
    int64_t open[JOB_NODE_OPEN];
    node->deaf = false;
    const int count = node_reopen(node, open);
    for (int i = 0; i < count; i++)
        assert_fine(node_resume(node, open[i]));
}

static inline JobNode *node_new(const char *rule, int64_t memory) {
    JobNode *node = calloc(1, sizeof *node);
    assert_non_null(node);
    node->now = 1000;
    node->memory = memory;
    node->busy = true;
    assert_fine(rule_parse(rule, "rule", stderr, &node->rule));
    assert_fine(store_open(&node->store, ":memory:"));
    node_begin(node);
    return node;
}

static inline void node_free(JobNode *node) {
    schedule_close(node->schedule);
    store_close(node->store);
    free(node);
}

/* As after a kill of the daemon. */
static inline void node_restart(JobNode *node) {
    schedule_close(node->schedule);
    node_begin(node);
}

static inline bool node_holds(const JobNode *node, int gpu) {
    for (int i = 0; i < node->run_count; i++)
        for (int k = 0; node->runs[i].live && k < node->runs[i].gpu_count; k++)
            if (node->runs[i].gpus[k] == gpu)
                return true;
    return false;
}

/* What the GPU of that index shows now. */
static inline void node_observe(JobNode *node, int index) {
    const bool held = node_holds(node, node->rule.gpus[index].number);
    Observation seen = {0};
    gauges_unknown(&seen.sample, node->now, "");
    seen.sample.known = true;
    seen.sample.util = held && node->busy ? 90 : 0;
    seen.sample.memory_used = held ? 10 * JOB_NODE_GIB : 0;
    seen.sample.memory_total = 80 * JOB_NODE_GIB;
    seen.sample.process_count = seen.own = held;
    assert_fine(schedule_observe(node->schedule, index, &seen, node->now));
}

static inline void node_look(JobNode *node, double *next) {
    bool wanted[POOL_GPUS] = {false};
    if (schedule_wants_looks(node->schedule, node->now, wanted, next) == 0)
        return;
    for (int i = 0; i < node->rule.gpu_count; i++)
        if (wanted[i])
            node_observe(node, i);
    schedule_wants_looks(node->schedule, node->now, wanted, next);
}

static inline void node_tick(JobNode *node) {
    double next;
    node_look(node, &next);
    assert_fine(schedule_tick(node->schedule, node->now));
}

/* Lets the schedule do all that is due within so many seconds. */
static inline void node_pass(JobNode *node, double seconds) {
    const double end = node->now + seconds;
    for (int rounds = 0; rounds < 100000; rounds++) {
        double looks = INFINITY;
        node_look(node, &looks);
        assert_fine(schedule_tick(node->schedule, node->now));
        if (node->now >= end)
            return;
        const double next = fmin(looks, schedule_next(node->schedule));
        assert_true(next > node->now);
        node->now = fmin(next, end);
    }
    fail_msg("something is due for ever");
}

/* What node_submit() submits unless the test says otherwise. */
static inline JobWants node_wants(int gpus) {
    return (JobWants){.gpus = gpus, .gpu_memory = -1, .host_memory = -1};
}

static inline Job node_job(const JobWants *wants) {
    Job job = {0};
    char **texts[] = {&job.name, &job.command, &job.request, &job.run_dir, &job.sweep, &job.trial};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_non_null(*texts[i] = strdup(texts[i] == &job.request ? "{}" : texts[i] == &job.command ? "./a" : ""));
    job.wants = *wants;
    job.wants.after = NULL;
    if (wants->after_count > 0) {
        const size_t size = (size_t)wants->after_count * sizeof *wants->after;
        assert_non_null(job.wants.after = malloc(size));
        memcpy(job.wants.after, wants->after, size);
    }
    return job;
}

static inline Caller node_caller(const char *user) {
    return (Caller){strcmp(user, "root") == 0 ? 0 : 1000 + (uid_t)user[0], user};
}

/* The refusal, or NULL and the job's number. */
static inline Status node_try(JobNode *node, const char *user, const JobWants *wants, bool now, int64_t *id) {
    const Caller caller = node_caller(user);
    Job job = node_job(wants);
    char *answer = NULL;
    Status status = schedule_submit(node->schedule, &caller, &job, now, false, &answer, node->now);
    *id = job.id;
    free(answer);
    job_free(&job);
    return status;
}

static inline int64_t node_submit(JobNode *node, const char *user, const JobWants *wants) {
    int64_t id;
    assert_fine(node_try(node, user, wants, false, &id));
    return id;
}

static inline void node_end_by(JobNode *node, int64_t id, JobEnd end) {
    JobRun *run = node_find(node, id);
    assert_non_null(run);
    run->live = false;
    assert_fine(schedule_ended(node->schedule, id, end, "", node->now));
}

static inline void node_end(JobNode *node, int64_t id, int exit) {
    node_end_by(node, id, (JobEnd){.exit = exit});
}

/* As the database has it. Free with job_free(). */
static inline Job node_get(const JobNode *node, int64_t id) {
    Job job;
    bool found;
    assert_fine(store_get_job(node->store, id, &job, &found));
    assert_true(found);
    return job;
}

#define assert_job(node, job_id, wanted, words)                                                                        \
    do {                                                                                                               \
        Job job_ = node_get(node, job_id);                                                                             \
        if (job_.state != (wanted) || !strstr(job_.reason, words))                                                     \
            fail_msg("job %" PRId64 " is %s: \"%s\", but %s and \"%s\" were expected", job_.id,                        \
                     job_state_name(job_.state), job_.reason, job_state_name(wanted), words);                          \
        job_free(&job_);                                                                                               \
    } while (0)

#define assert_why(node, job_id, words)                                                                                \
    do {                                                                                                               \
        Job job_ = node_get(node, job_id);                                                                             \
        WhyView why_;                                                                                                  \
        schedule_why_job((node)->schedule, &job_, (node)->now, &why_);                                                 \
        if (!strstr(why_.reason, words))                                                                               \
            fail_msg("job %" PRId64 ": \"%s\", but \"%s\" was expected", job_.id, why_.reason, words);                 \
        job_free(&job_);                                                                                               \
    } while (0)

static inline Status node_count_job(void *counts, const Job *job) {
    ((int64_t *)counts)[job->state]++;
    return NULL;
}

/* How many jobs of each state the database has. */
static inline void node_count(const JobNode *node, int64_t counts[JOB_STATES]) {
    memset(counts, 0, JOB_STATES * sizeof *counts);
    assert_fine(store_each_job(node->store, true, false, node_count_job, counts));
}

/* The GPU of a running job; -1: it does not run. */
static inline int node_gpu(const JobNode *node, int64_t id) {
    const Attempt *attempt = schedule_attempt(node->schedule, id);
    return attempt ? attempt->gpus[0] : -1;
}

static inline bool node_told(const JobNode *node, const char *event, int64_t job) {
    char text[64];
    snprintf(text, sizeof text, "%s %" PRId64 "; ", event, job);
    return strstr(node->notices, text) != NULL;
}

static inline void node_act(JobNode *node, const char *user, JobAct act, int64_t id) {
    const Caller caller = node_caller(user);
    assert_fine(schedule_act(node->schedule, &caller, act, id, node->now));
}

static inline void node_filler(JobNode *node, bool on) {
    const Caller root = node_caller("root");
    assert_fine(schedule_filler(node->schedule, &root, on, node->now));
}

#endif
