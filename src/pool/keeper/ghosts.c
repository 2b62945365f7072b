/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/ghosts.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/list.h"
#include "pool/process.h"
#include "pool/process_table.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_SECONDS = 2 };

int64_t ghosts_memory(const GaugeSample *sample, int64_t baseline) {
    if (!sample->known || sample->memory_used < 0 || sample->process_count < 0 ||
        sample->process_count > GAUGE_PROCESSES)
        return -1;
    int64_t unexplained = sample->memory_used - (baseline > 0 ? baseline : 0);
    for (int i = 0; i < sample->process_count; i++) {
        if (sample->processes[i].memory < 0)
            return -1;
        unexplained -= sample->processes[i].memory;
    }
    return unexplained > 0 ? unexplained : 0;
}

/* --- Leases ---------------------------------------------------------------------------------------------------------
 */

typedef struct {
    int64_t job, epoch; /* 0: none of this pool */
    bool valid;
} HeldLease;

static bool is_valid(const char *path, int64_t epoch) {
    char *text = NULL;
    size_t size;
    Status failure = files_read(path, &text, &size);
    const bool valid = !failure && strtoll(text, NULL, 10) == epoch;
    status_free(failure);
    free(text);
    return valid;
}

/* The lease in a process' environment: FOVEA_LEASE=STATE/leases/JOB:EPOCH. */
static HeldLease read_lease(const char *state, int64_t pid) {
    HeldLease lease = {0};
    const size_t length = strlen(state);
    char *value = process_variable(pid, "FOVEA_LEASE"), *colon = value ? strrchr(value, ':') : NULL;
    int64_t job, epoch;
    int end = 0;
    if (colon && strncmp(value, state, length) == 0 &&
        sscanf(value + length, "/leases/%" SCNd64 ":%" SCNd64 "%n", &job, &epoch, &end) == 2 && end > 0 &&
        !value[length + (size_t)end] && job > 0) {
        *colon = '\0';
        lease = (HeldLease){job, epoch, is_valid(value, epoch)};
    }
    free(value);
    return lease;
}

/* --- Who has a device open ------------------------------------------------------------------------------------------
 */

typedef struct {
    const char *state;
    GhostHolders *holders;
} HolderSearch;

/* The devices of a process come one after the other. */
static Status take_holder(void *context, int64_t pid, const char *path) {
    const HolderSearch *search = context;
    GhostHolders *holders = search->holders;
    GhostHolder *last = holders->count ? &holders->list[holders->count - 1] : NULL;
    if (last && last->process.pid == pid) {
        const size_t used = strlen(last->devices);
        snprintf(last->devices + used, sizeof last->devices - used, " %s", path);
        return NULL;
    }
    GhostHolder holder = {0};
    if (!process_describe(pid, &holder.process))
        return NULL;
    const HeldLease lease = read_lease(search->state, pid);
    holder.job = lease.job;
    holder.epoch = lease.epoch;
    holder.valid = lease.valid;
    snprintf(holder.devices, sizeof holder.devices, "%s", path);
    TRY(list_grow(&holders->list, holders->count, &holders->capacity, sizeof *holders->list, "the list of processes"));
    holders->list[holders->count++] = holder;
    return NULL;
}

Status ghosts_find(const char *state, const char *devices, GhostHolders *holders) {
    *holders = (GhostHolders){0};
    return process_each_open(devices, take_holder, &(HolderSearch){state, holders}, &holders->hidden);
}

void ghosts_free(GhostHolders *holders) {
    free(holders->list);
    *holders = (GhostHolders){0};
}

/* --- Sweep ----------------------------------------------------------------------------------------------------------
 */

static Status kill_stale(const char *state, int *count) {
    ProcessTable table;
    Status status = process_table_read(&table);
    *count = 0;
    for (int64_t i = 0; i < table.count && !status; i++) {
        const Process *process = &table.list[i];
        if (process->dead || process->pid == getpid())
            continue;
        const HeldLease lease = read_lease(state, process->pid);
        if (!lease.job || lease.valid)
            continue;
        process_signal(process, SIGKILL);
        ++*count;
    }
    process_table_free(&table);
    return status;
}

Status ghosts_sweep(const char *state, int *killed, int *left) {
    const double start = clock_now();
    TRY(kill_stale(state, killed));
    *left = *killed;
    while (*left && clock_now() - start < SWEEP_SECONDS) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        TRY(kill_stale(state, left));
        if (*left > *killed)
            *killed = *left;
    }
    return NULL;
}
