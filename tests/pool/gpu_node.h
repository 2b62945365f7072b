/* SPDX-License-Identifier: Apache-2.0 */
/* A schedule on a database in memory, a clock that the test sets, and a host that only takes notes. Include after
 * cmocka.h. */
#ifndef FOVEA_TESTS_POOL_GPU_NODE_H
#define FOVEA_TESTS_POOL_GPU_NODE_H

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/schedule.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/transaction.h"
#include "tests/fixtures/check.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t NODE_GIB = (int64_t)1 << 30;

typedef struct {
    Rule rule;
    Store *store;
    Schedule *schedule;
    double now;
    int starts, stops, last_signal;
    char notices[1024]; /* events, each with a space */
    char text[512];     /* of the last one */
} GpuNode;

/* Looks every 5 s, 2 s apart; GPUs 0 of a service, 1 of the user engine, 2 to 4 of the pool, 5 in no lane, 6 a slot. */
static const char NODE_RULE[] = "[node]\nname = n\nlook_every = 5\nlook_gap = 2\n[gpus]\n0 = GPU-0\n1 = GPU-1\n2 = "
                                "GPU-2\n3 = GPU-3\n4 = GPU-4\n5 = GPU-5\n6 = cpu\n[lanes]\nbrain = service 0\naria = "
                                "owner 1 engine\npool = pool 2-4\nslots = pool 6\n[roles]\nadmin = root\nmember = *\n";
enum { NODE_GPUS = 7 };

static inline void node_start(void *context, const Job *job, const Attempt *attempt) {
    (void)job, (void)attempt;
    ((GpuNode *)context)->starts++;
}

static inline void node_stop(void *context, const Job *job, const Attempt *attempt, int signal) {
    (void)job, (void)attempt;
    GpuNode *node = context;
    node->stops++;
    node->last_signal = signal;
}

static inline void node_notify(void *context, const char *event, const char *text, int64_t job, int gpu) {
    (void)job, (void)gpu;
    GpuNode *node = context;
    const size_t length = strlen(node->notices);
    snprintf(node->notices + length, sizeof node->notices - length, "%s ", event);
    snprintf(node->text, sizeof node->text, "%s", text);
}

static inline void node_begin(GpuNode *node) {
    const ScheduleHost host = {node, node_start, node_stop, node_notify};
    assert_fine(schedule_open(&node->schedule, &node->rule, node->store, &host, -1, node->now));
}

/* Setup and teardown of cmocka: *state is the GpuNode. */
static inline int node_open(void **state) {
    GpuNode *node = calloc(1, sizeof *node);
    assert_non_null(node);
    node->now = 1000;
    char *warnings = NULL; /* that a GPU is in no lane is meant */
    size_t size;
    FILE *stream = open_memstream(&warnings, &size);
    assert_fine(rule_parse(NODE_RULE, "rule", stream, &node->rule));
    fclose(stream);
    free(warnings);
    assert_fine(store_open(&node->store, ":memory:"));
    node_begin(node);
    *state = node;
    return 0;
}

static inline int node_close(void **state) {
    GpuNode *node = *state;
    schedule_close(node->schedule);
    store_close(node->store);
    free(node);
    return 0;
}

/* What an idle GPU shows. */
static inline Observation idle_sight(void) {
    Observation seen = {0};
    gauges_unknown(&seen.sample, 0, "");
    seen.sample.known = true;
    seen.sample.util = 0;
    seen.sample.memory_used = NODE_GIB / 2;
    seen.sample.memory_total = 80 * NODE_GIB;
    seen.sample.process_count = 0;
    seen.sample.celsius = 40;
    return seen;
}

/* What a GPU shows whose job works. */
static inline Observation busy_sight(void) {
    Observation seen = idle_sight();
    seen.sample.util = 90;
    seen.sample.memory_used = 40 * NODE_GIB;
    seen.sample.process_count = seen.own = 1;
    return seen;
}

static inline Observation foreign_sight(int64_t pid, int64_t memory) {
    Observation seen = idle_sight();
    seen.sample.process_count = 1;
    seen.sample.memory_used = memory;
    seen.foreign = (ForeignProcess){.pid = pid, .uid = 1001, .user = "ann", .command = "python train.py"};
    seen.foreign.memory = memory;
    seen.foreign.since = 900;
    return seen;
}

static inline void node_see(GpuNode *node, int index, Observation seen) {
    if (seen.sample.time == 0)
        seen.sample.time = node->now;
    assert_fine(schedule_observe(node->schedule, index, &seen, node->now));
}

static inline void node_see_idle(GpuNode *node) {
    for (int i = 0; i < NODE_GPUS - 1; i++)
        node_see(node, i, idle_sight());
}

/* Two looks that show every GPU idle. */
static inline void node_idle_twice(GpuNode *node) {
    node_see_idle(node);
    node->now += 2;
    node_see_idle(node);
}

static inline GpuView node_view(const GpuNode *node, int index) {
    GpuView view;
    schedule_gpu_view(node->schedule, index, &view);
    return view;
}

#define assert_state(node, index, wanted, words)                                                                       \
    do {                                                                                                               \
        const GpuView view_ = node_view(node, index);                                                                  \
        if (view_.state != (wanted) || !strstr(view_.reason, words))                                                   \
            fail_msg("gpu %d is %s: \"%s\", but %s and \"%s\" were expected", view_.gpu, gpu_state_name(view_.state),  \
                     view_.reason, gpu_state_name(wanted), words);                                                     \
    } while (0)

/* Starts a job of ann's on the GPU at once; returns its number. */
static inline int64_t node_run(GpuNode *node, int gpu, const char *lane) {
    const Caller ann = {1001, "ann"};
    Job job = {.uid = ann.uid, .user = "ann"};
    char **texts[] = {&job.name, &job.command, &job.request, &job.run_dir, &job.sweep, &job.trial};
    char *answer = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_non_null(*texts[i] = strdup(texts[i] == &job.request ? "{}" : ""));
    job.wants = (JobWants){
        .gpus = 1, .gpu_ids = {gpu}, .gpu_id_count = 1, .gpu_memory = -1, .host_memory = -1, .foreground = true};
    snprintf(job.wants.lane, sizeof job.wants.lane, "%s", lane);
    assert_fine(schedule_submit(node->schedule, &ann, &job, true, false, &answer, node->now));
    free(answer);
    return job.id;
}

static inline void node_end(GpuNode *node, int64_t job, int exit) {
    assert_fine(schedule_ended(node->schedule, job, (JobEnd){.exit = exit}, "", node->now));
}

static inline Status print_line(void *context, const LedgerLine *line) {
    fprintf(context, "%d %g-%g %s %" PRId64 " %s\n", line->gpu, line->from, line->to, ledger_what_name(line->what),
            line->job, line->reason);
    return NULL;
}

/* The ledger of one GPU; the caller's. */
static inline char *node_ledger(const GpuNode *node, int gpu) {
    char *all = NULL, *text = NULL, *save, number[16];
    size_t size;
    FILE *stream = open_memstream(&all, &size);
    assert_fine(store_each_ledger(node->store, print_line, stream));
    fclose(stream);
    stream = open_memstream(&text, &size);
    snprintf(number, sizeof number, "%d ", gpu);
    for (char *line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, number, strlen(number)) == 0)
            fprintf(stream, "%s\n", line + strlen(number));
    fclose(stream);
    free(all);
    return text;
}

#define assert_ledger(node, gpu, wanted)                                                                               \
    do {                                                                                                               \
        char *ledger_ = node_ledger(node, gpu);                                                                        \
        assert_string_equal(ledger_, wanted);                                                                          \
        free(ledger_);                                                                                                 \
    } while (0)

#endif
