/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/node/observe.h"
#include "base/clock.h"
#include "pool/keeper/keeper.h"
#include "pool/process.h"

#include <math.h>
#include <string.h>

/* Tells the processes of the GPU's job from others, of which the largest is kept. */
static void sort_processes(const Daemon *daemon, int index, Observation *seen) {
    const GaugeSample *sample = &seen->sample;
    const int count = sample->process_count < GAUGE_PROCESSES ? sample->process_count : GAUGE_PROCESSES;
    int64_t pids[GAUGE_PROCESSES];
    bool owns[GAUGE_PROCESSES] = {false};
    seen->foreign = (ForeignProcess){.uid = -1, .memory = -1};
    if (!sample->known || count <= 0)
        return;
    for (int i = 0; i < count; i++)
        pids[i] = sample->processes[i].pid;
    GpuView view;
    schedule_gpu_view(daemon->schedule, index, &view);
    const Attempt *attempt = view.job ? schedule_attempt(daemon->schedule, view.job) : NULL;
    if (attempt)
        keeper_owns(daemon->state, attempt->job, attempt->number, attempt->epoch, pids, count, owns);
    for (int i = 0; i < count; i++) {
        seen->own += owns[i];
        const bool larger = seen->foreign.pid == 0 || sample->processes[i].memory > seen->foreign.memory;
        if (!owns[i] && larger)
            seen->foreign = (ForeignProcess){.pid = pids[i], .uid = -1, .memory = sample->processes[i].memory};
    }
    const int64_t memory = seen->foreign.memory;
    if (seen->foreign.pid != 0 && process_describe(seen->foreign.pid, &seen->foreign))
        seen->foreign.memory = memory;
}

static void hand_over(Daemon *daemon, int index, const GaugeSample *sample) {
    const double now = daemon_now(daemon);
    Observation seen;
    memset(&seen, 0, sizeof seen);
    seen.sample = *sample;
    /* The schedule compares when it was read with its own times. */
    seen.sample.time = now - fmax(clock_date() - sample->time, 0);
    sort_processes(daemon, index, &seen);
    answer_history_add(&daemon->history, index, &seen.sample);
    daemon_check(daemon, schedule_observe(daemon->schedule, index, &seen, now));
}

void observe_work(Daemon *daemon) {
    if (!daemon->watches)
        return;
    int index;
    GaugeSample sample;
    while (watcher_take(&daemon->watcher, &index, &sample))
        if (index >= 0 && index < daemon->rule.gpu_count)
            hand_over(daemon, index, &sample);
    bool wanted[POOL_GPUS];
    double next;
    if (clock_now() < daemon->retry || schedule_wants_looks(daemon->schedule, daemon_now(daemon), wanted, &next) == 0)
        return;
    for (int i = 0; i < daemon->rule.gpu_count; i++)
        if (wanted[i] && daemon->uuids[i][0])
            watcher_ask(&daemon->watcher, i, daemon->uuids[i]);
}

double observe_next(Daemon *daemon) {
    if (!daemon->watches)
        return INFINITY;
    bool wanted[POOL_GPUS];
    double next = INFINITY;
    const double now = daemon_now(daemon);
    const int count = schedule_wants_looks(daemon->schedule, now, wanted, &next);
    bool all_open = true;
    for (int i = 0; i < daemon->rule.gpu_count; i++)
        all_open = all_open && (!wanted[i] || daemon->watcher.open[i]);
    const double due = count > 0 && !all_open ? fmax(daemon->retry, clock_now()) : clock_now() + fmax(next - now, 0);
    return fmin(due, watcher_next(&daemon->watcher));
}
