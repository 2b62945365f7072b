/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"
#include "base/files.h"
#include "base/text.h"

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

/* Reads root/FOLDER/name into `text`; false where it cannot be read. */
static bool read_setting(const char *root, const char *folder, const char *name, char *text, size_t size) {
    char *path, *data = NULL;
    size_t length = 0;
    Status status = files_path(&path, "%s%s/%s", root, folder, name);
    if (!status)
        status = files_exists(path) ? files_read(path, &data, &length) : NULL;
    const bool read = !status && data;
    if (read)
        snprintf(text, size, "%s", data);
    status_free(status);
    free(data);
    free(path);
    return read;
}

/* Cores that one group of version 2 grants; INFINITY without a limit. cpu.max is "QUOTA PERIOD" or "max PERIOD". */
static double read_quota_v2(const char *root, const char *folder) {
    char text[64];
    double quota, period;
    if (!read_setting(root, folder, "cpu.max", text, sizeof text) || sscanf(text, "%lf %lf", &quota, &period) != 2)
        return INFINITY;
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The same of version 1, where a quota of -1 is no limit. */
static double read_quota_v1(const char *root, const char *folder) {
    char quota_text[64], period_text[64];
    if (!read_setting(root, folder, "cpu.cfs_quota_us", quota_text, sizeof quota_text) ||
        !read_setting(root, folder, "cpu.cfs_period_us", period_text, sizeof period_text))
        return INFINITY;
    const double quota = atof(quota_text), period = atof(period_text);
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The tightest quota of a group and of all above it: each one limits those below. In a container the group's own path
 * may be missing, and then the mount's root has the limit. */
static double find_quota(const char *root, const char *mount, const char *group, size_t length, bool second) {
    char folder[4096];
    double least = INFINITY;
    if (snprintf(folder, sizeof folder, "%s%.*s", mount, (int)length, group) >= (int)sizeof folder)
        return INFINITY;
    for (const size_t end = strlen(mount);;) {
        const double quota = second ? read_quota_v2(root, folder) : read_quota_v1(root, folder);
        least = quota < least ? quota : least;
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + end)
            return least;
        *slash = '\0';
    }
}

/* Whether `controllers`, "cpu,cpuacct", names cpu. */
static bool controls_cpu(const char *controllers, size_t length) {
    for (const char *at = controllers, *end = at + length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const size_t word = (size_t)((comma ? comma : end) - at);
        if (word == 3 && strncmp(at, "cpu", 3) == 0)
            return true;
        at += word + 1;
    }
    return false;
}

/* Cores that the control groups of this process grant; a line of /proc/self/cgroup is NUMBER:CONTROLLERS:PATH, with no
 * controllers in version 2. */
static double read_quota(const char *root) {
    char text[8192];
    double least = INFINITY;
    if (!read_setting(root, "/proc/self", "cgroup", text, sizeof text))
        return INFINITY;
    TextLine line;
    for (const char *at = text, *end = text + strlen(text); text_next_line(&at, end, &line);) {
        const char *stop = line.start + line.length;
        const char *controllers = memchr(line.start, ':', line.length);
        const char *group = controllers ? memchr(controllers + 1, ':', (size_t)(stop - controllers - 1)) : NULL;
        if (!group)
            continue;
        const size_t named = (size_t)(group - controllers - 1), length = (size_t)(stop - group - 1);
        double quota = INFINITY;
        if (!named)
            quota = find_quota(root, "/sys/fs/cgroup", group + 1, length, true);
        else if (controls_cpu(controllers + 1, named))
            quota = find_quota(root, "/sys/fs/cgroup/cpu", group + 1, length, false);
        least = quota < least ? quota : least;
    }
    return least;
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
    const double quota = ceil(read_quota(root));
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
