/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sim/sim_node.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

static const int64_t JOB_MEMORY = 10000000000;       /* what a job uses of a GPU */
static const int64_t GPU_MEMORY = (int64_t)80 << 30; /* an H100's */
static const double CHECKPOINT_TAKES = 10;           /* seconds to write one when asked to stop */
static const double BAD_GPU_TAKES = 5;               /* seconds until a job fails there */

Status node_open(Node *node, const Script *script, double start) {
    *node = (Node){.script = script, .start = start, .now = start};
    const size_t count = (size_t)script->job_count + 1;
    node->runs = calloc(count, sizeof *node->runs);
    node->ids = calloc(count, sizeof *node->ids);
    if (node->runs && node->ids)
        return NULL;
    return status_no_memory("the node's jobs", count * (sizeof *node->runs + sizeof *node->ids));
}

void node_close(Node *node) {
    free(node->runs);
    free(node->ids);
    *node = (Node){0};
}

static int find_job(const Node *node, int64_t id) {
    for (int i = 0; i < node->script->job_count; i++)
        if (node->ids[i] == id)
            return i;
    return -1;
}

static void start_job(void *context, const Job *job, const Attempt *attempt) {
    Node *node = context;
    const int index = find_job(node, job->id);
    if (index < 0)
        return;
    const ScriptJob *script = &node->script->jobs[index];
    NodeRun *run = &node->runs[index];
    const int number = attempt->number < script->exit_count ? attempt->number : script->exit_count;
    const int code = script->exits[number - 1];
    run->live = true;
    run->hangs = code == SCRIPT_HANGS;
    run->kept = false;
    run->from = node->now;
    run->end = run->hangs ? INFINITY : node->now + script->seconds - run->done;
    run->how = (JobEnd){.exit = code};
    run->gpu_count = attempt->gpu_count;
    for (int i = 0; i < attempt->gpu_count; i++) {
        run->gpus[i] = attempt->gpus[i];
        if (node->script->bad[rule_gpu(&node->script->rule, attempt->gpus[i])]) {
            run->hangs = false;
            run->end = node->now + BAD_GPU_TAKES;
            run->how = (JobEnd){.exit = 1};
        }
    }
}

static void end_earlier(NodeRun *run, double end, JobEnd how, bool kept) {
    if (end >= run->end)
        return;
    run->end = end;
    run->how = how;
    run->kept = kept;
}

static void stop_job(void *context, const Job *job, const Attempt *attempt, int signal) {
    (void)attempt;
    Node *node = context;
    const int index = find_job(node, job->id);
    if (index < 0 || !node->runs[index].live)
        return;
    NodeRun *run = &node->runs[index];
    if (signal == SIGKILL)
        end_earlier(run, node->now, (JobEnd){.exit = -1, .signal = SIGKILL}, false);
    else if (!run->hangs && node->script->jobs[index].resumable)
        end_earlier(run, node->now + CHECKPOINT_TAKES, (JobEnd){.exit = EXIT_STOPPED}, true);
    else if (!run->hangs)
        end_earlier(run, node->now, (JobEnd){.exit = -1, .signal = signal}, false);
}

static void ignore_notice(void *context, const char *event, const char *text, int64_t job, int gpu) {
    (void)context, (void)event, (void)text, (void)job, (void)gpu;
}

ScheduleHost node_host(Node *node) {
    return (ScheduleHost){.context = node, .start = start_job, .stop = stop_job, .notify = ignore_notice};
}

double node_next(const Node *node) {
    double next = INFINITY;
    for (int i = 0; i < node->script->job_count; i++)
        if (node->runs[i].live)
            next = fmin(next, node->runs[i].end);
    return next;
}

int node_take_end(Node *node, JobEnd *end) {
    for (int i = 0; i < node->script->job_count; i++) {
        NodeRun *run = &node->runs[i];
        if (!run->live || run->end > node->now)
            continue;
        run->live = false;
        run->done = run->kept ? run->done + run->end - run->from : 0;
        for (int k = 0; k < run->gpu_count && !run->hangs; k++)
            node->work[rule_gpu(&node->script->rule, run->gpus[k])] += run->end - run->from;
        *end = run->how;
        return i;
    }
    return -1;
}

/* The job on a GPU; -1: none. */
static int find_holder(const Node *node, int gpu) {
    for (int i = 0; i < node->script->job_count; i++)
        for (int k = 0; node->runs[i].live && k < node->runs[i].gpu_count; k++)
            if (node->runs[i].gpus[k] == gpu)
                return i;
    return -1;
}

double node_work(const Node *node, int index) {
    const int holder = find_holder(node, node->script->rule.gpus[index].number);
    const bool works = holder >= 0 && !node->runs[holder].hangs;
    return node->work[index] + (works ? node->now - node->runs[holder].from : 0);
}

void node_observe(const Node *node, int index, Observation *seen) {
    const int gpu = node->script->rule.gpus[index].number;
    const int holder = find_holder(node, gpu);
    *seen = (Observation){0};
    GaugeSample *sample = &seen->sample;
    gauges_unknown(sample, node->now, "");
    sample->known = true;
    sample->util = holder < 0 || node->runs[holder].hangs ? 0 : node->script->jobs[holder].util;
    sample->memory_used = holder < 0 ? 0 : JOB_MEMORY;
    sample->memory_total = GPU_MEMORY;
    sample->process_count = holder < 0 ? 0 : 1;
    for (int i = 0; i < node->script->gauge_count; i++) {
        const ScriptGauge *gauge = &node->script->gauges[i];
        if (gauge->gpu != gpu || node->now < node->start + gauge->from || node->now >= node->start + gauge->to)
            continue;
        if (gauge->has_util)
            sample->util = gauge->util;
        if (gauge->has_memory)
            sample->memory_used = gauge->memory;
        if (gauge->has_processes)
            sample->process_count = gauge->processes;
    }
    if (sample->memory_used < 0)
        sample->memory_total = -1;
    seen->own = holder >= 0 && sample->process_count > 0 ? 1 : 0;
}
