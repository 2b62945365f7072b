/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/node/upkeep.h"
#include "base/clock.h"
#include "base/host_memory.h"
#include "pool/keeper/keeper.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

/* Seconds. */
enum { SEEN_EVERY = 10, BACKUP_EVERY = 86400 };

Status upkeep_note_seen(Daemon *daemon) {
    return store_put_fact(daemon->store, "seen", daemon_now(daemon));
}

/* A job that writes to its metrics makes progress. */
static void watch_progress(Daemon *daemon, Run *run) {
    const Job *job = schedule_find(daemon->schedule, run->job);
    if (!job || !job->run_dir || !job->run_dir[0])
        return;
    char path[4096];
    struct stat about;
    if (snprintf(path, sizeof path, "%s/metrics.jsonl", job->run_dir) >= (int)sizeof path || stat(path, &about))
        return;
    const double time = (double)about.st_mtim.tv_sec + 1e-9 * (double)about.st_mtim.tv_nsec;
    const bool first = run->metrics_size < 0;
    if (about.st_size == run->metrics_size && time == run->metrics_time)
        return;
    run->metrics_size = about.st_size;
    run->metrics_time = time;
    if (!first)
        daemon_check(daemon, schedule_progress(daemon->schedule, run->job, daemon_now(daemon)));
}

static void watch_jobs(Daemon *daemon) {
    for (int64_t i = 0; i < daemon->run_count; i++) {
        Run *run = &daemon->runs[i];
        if (run->ended || !run->started)
            continue;
        watch_progress(daemon, run);
        const int64_t memory = keeper_memory(daemon->state, run->job, run->number, run->epoch);
        daemon_check(daemon, schedule_job_memory(daemon->schedule, run->job, memory));
    }
    HostMemory host;
    host_memory_read(&host);
    if (host.available >= 0)
        daemon_check(daemon, schedule_host_memory(daemon->schedule, host.available, daemon_now(daemon)));
}

void upkeep_work(Daemon *daemon) {
    const double now = clock_now();
    if (now < daemon->retry)
        return;
    if (now >= daemon->next_seen) {
        daemon_check(daemon, upkeep_note_seen(daemon));
        daemon->next_seen = now + SEEN_EVERY;
    }
    if (now >= daemon->next_memory) {
        watch_jobs(daemon);
        daemon->next_memory = now + daemon->rule.look_every;
    }
    if (now >= daemon->next_backup) {
        daemon_check(daemon, store_backup(daemon->store));
        daemon->next_backup = now + BACKUP_EVERY;
    }
}

double upkeep_next(const Daemon *daemon) {
    return fmax(fmin(fmin(daemon->next_seen, daemon->next_memory), daemon->next_backup), daemon->retry);
}
