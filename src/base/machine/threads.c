/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"
#include "base/control_groups.h"

#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void threads_wait_passively(char **arguments) {
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    /* Some microseconds: longer than the gap between two operations of a step, shorter than a scheduler's slice. */
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv("/proc/self/exe", arguments); /* on failure the program is only slower */
}

/* --- Cores ----------------------------------------------------------------------------------------------------------
 */

/* The tightest of the groups that were visited. */
typedef struct {
    const char *root;
    double least;
} Quota;

/* Cores that one group of version 2 grants; INFINITY without a limit. cpu.max is "QUOTA PERIOD" or "max PERIOD". */
static double read_quota_v2(const char *root, const char *folder) {
    char text[64];
    double quota, period;
    if (!control_groups_read(root, folder, "cpu.max", text, sizeof text) ||
        sscanf(text, "%lf %lf", &quota, &period) != 2)
        return INFINITY;
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The same of version 1, where a quota of -1 is no limit. */
static double read_quota_v1(const char *root, const char *folder) {
    char quota_text[64], period_text[64];
    if (!control_groups_read(root, folder, "cpu.cfs_quota_us", quota_text, sizeof quota_text) ||
        !control_groups_read(root, folder, "cpu.cfs_period_us", period_text, sizeof period_text))
        return INFINITY;
    const double quota = atof(quota_text), period = atof(period_text);
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

static void take_quota(void *context, const char *folder, bool second) {
    Quota *quota = context;
    const double own = second ? read_quota_v2(quota->root, folder) : read_quota_v1(quota->root, folder);
    quota->least = own < quota->least ? own : quota->least;
}

/* Cores that the scheduler may run this process on. */
static int count_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

int threads_available_in(const char *root) {
    const int cores = count_cores();
    Quota granted = {root, INFINITY};
    control_groups_visit(root, "cpu", take_quota, &granted);
    const double quota = ceil(granted.least);
    return quota < cores ? (quota < 1 ? 1 : (int)quota) : cores;
}

int threads_available(void) {
    return threads_available_in("");
}

/* --- Workers --------------------------------------------------------------------------------------------------------
 */

Status threads_start(Threads *threads, int count, const char *what, void *(*work)(void *), void *context) {
    *threads = (Threads){.list = calloc((size_t)count + 1, sizeof *threads->list)};
    if (!threads->list)
        return status_no_memory("the list of threads", (unsigned long long)count * sizeof *threads->list);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread inherits the mask */
    int cause = 0;
    while (threads->count < count && !cause) {
        cause = pthread_create(&threads->list[threads->count], NULL, work, context);
        threads->count += !cause;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (cause)
        return status_error(EXIT_NO_MEMORY,
                            "cannot start thread %d of %d for %s: %s; raise the number of threads allowed (ulimit -u)",
                            threads->count + 1, count, what, strerror(cause));
    return NULL;
}

void threads_join(Threads *threads) {
    for (int i = 0; i < threads->count; i++)
        pthread_join(threads->list[i], NULL);
    free(threads->list);
    *threads = (Threads){0};
}
