/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/ghosts.h"

#include "base/clock.h"
#include "base/files.h"
#include "pool/process_table.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_SECONDS = 2 };

/* Whether the file of a lease is gone or names another one. What cannot be read decides nothing. */
static bool is_lost(const char *path, int64_t epoch) {
    char *text = NULL;
    size_t size;
    Status failure = files_read(path, &text, &size);
    const bool lost = failure ? !files_exists(path) : strtoll(text, NULL, 10) != epoch;
    status_free(failure);
    free(text);
    return lost;
}

/* Whether the process was started with FOVEA_LEASE=STATE/leases/JOB:EPOCH, and that lease is lost. */
static bool is_stale(const char *state, int64_t pid) {
    const size_t length = strlen(state);
    char *value = process_variable(pid, "FOVEA_LEASE"), *colon = value ? strrchr(value, ':') : NULL;
    int64_t job, epoch;
    int end = 0;
    bool stale = false;
    if (colon && strncmp(value, state, length) == 0 &&
        sscanf(value + length, "/leases/%" SCNd64 ":%" SCNd64 "%n", &job, &epoch, &end) == 2 && end > 0 &&
        !value[length + (size_t)end]) {
        *colon = '\0';
        stale = is_lost(value, epoch);
    }
    free(value);
    return stale;
}

static Status kill_stale(const char *state, int *count) {
    ProcessTable table;
    Status status = process_table_read(&table);
    *count = 0;
    for (int64_t i = 0; i < table.count && !status; i++) {
        const Process *process = &table.list[i];
        if (process->dead || process->pid == getpid() || !is_stale(state, process->pid))
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
