/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/process_table.h"

#include "base/files.h"
#include "base/list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH = 64 };
enum { KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD of the kernel's sched.h, in the field of flags */

/* The kernel looks at each page of a process to tell its share, which takes a tenth of a second for 10 GB, during which
 * it gets no memory: of larger ones everything counts. */
static const int64_t SHARE_BYTES = (int64_t)8 << 30;

/* The content of /proc/PID/NAME, the caller's; NULL: the process is gone, or it may not be read. */
static char *read_entry(int64_t pid, const char *name, size_t *size) {
    char path[PATH], *text;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/%s", pid, name);
    Status failure = files_read(path, &text, size);
    status_free(failure);
    return failure ? NULL : text;
}

/* The name may contain anything, parentheses and line feeds included: the fields begin after the last parenthesis. */
static bool parse_fields(const char *text, Process *process) {
    char state;
    unsigned flags;
    long long parent, group, session, threads;
    const char *name_end = strrchr(text, ')');
    if (!name_end ||
        sscanf(name_end + 1, " %c %lld %lld %lld %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %*s %" SCNu64,
               &state, &parent, &group, &session, &flags, &threads, &process->start) != 7)
        return false;
    process->parent = parent;
    process->group = group;
    process->session = session;
    process->kernels = flags & KERNEL_THREAD;
    /* A process whose first thread has ended shows as a zombie while its other threads go on. */
    process->dead = (state == 'Z' && threads <= 1) || state == 'X' || state == 'x';
    return true;
}

bool process_read(int64_t pid, Process *process) {
    char path[PATH], text[1024];
    *process = (Process){.pid = pid};
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    const int descriptor = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return false;
    const ssize_t got = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (got <= 0)
        return false;
    text[got] = '\0';
    return parse_fields(text, process);
}

void process_boot(char boot[PROCESS_BOOT]) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    *boot = '\0';
    if (file && !fgets(boot, PROCESS_BOOT, file))
        *boot = '\0';
    if (file)
        fclose(file);
    boot[strcspn(boot, "\n")] = '\0';
}

int process_open(int64_t pid) {
    return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

/* The descriptor keeps its process' number from meaning another one between the look and the signal. */
void process_signal(const Process *process, int signal) {
    Process now;
    const int descriptor = process_open(process->pid);
    if (descriptor < 0)
        return;
    if (process_read(process->pid, &now) && now.start == process->start)
        syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
    close(descriptor);
}

/* The entry of that name in an environment; NULL: there is none. */
static const char *find_entry(const char *text, size_t size, const char *name, size_t length) {
    for (const char *at = text; at < text + size; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at;
    return NULL;
}

char *process_variable(int64_t pid, const char *name) {
    size_t size;
    char *text = read_entry(pid, "environ", &size);
    const char *entry = text ? find_entry(text, size, name, strlen(name)) : NULL;
    char *value = entry ? strdup(entry + strlen(name) + 1) : NULL;
    free(text);
    return value;
}

bool process_has_variable(int64_t pid, const char *entry) {
    size_t size;
    char *text = read_entry(pid, "environ", &size);
    const char *found = text ? find_entry(text, size, entry, strcspn(entry, "=")) : NULL;
    const bool same = found && strcmp(found, entry) == 0;
    free(text);
    return same;
}

/* The sum of two values in kB of a file of lines "NAME: VALUE kB", in bytes; -1: one is not there. */
static int64_t sum_lines(const char *text, const char *first, const char *second) {
    const char *const names[] = {first, second};
    int64_t sum = 0;
    for (int i = 0; i < 2; i++) {
        const char *at = text ? strstr(text, names[i]) : NULL;
        if (!at)
            return -1;
        sum += strtoll(at + strlen(names[i]), NULL, 10) * 1024;
    }
    return sum;
}

int64_t process_memory(int64_t pid) {
    size_t size;
    char *text = read_entry(pid, "status", &size);
    const int64_t whole = sum_lines(text, "\nRssAnon:", "\nRssShmem:");
    const int64_t resident = sum_lines(text, "\nVmRSS:", "\nRssShmem:");
    free(text);
    if (whole <= 0 || resident > SHARE_BYTES)
        return whole > 0 ? whole : 0;
    text = read_entry(pid, "smaps_rollup", &size);
    const int64_t share = sum_lines(text, "\nPss_Anon:", "\nPss_Shmem:");
    free(text);
    return share >= 0 ? share : whole;
}

/* --- All of them ----------------------------------------------------------------------------------------------------
 */

static int compare_numbers(const void *a, const void *b) {
    const Process *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

static int compare_to_number(const void *item, const void *key) {
    const Process *process = item;
    const int64_t pid = *(const int64_t *)key;
    return (process->pid > pid) - (process->pid < pid);
}

Status process_table_read(ProcessTable *table) {
    *table = (ProcessTable){0};
    DIR *directory = opendir("/proc");
    if (!directory)
        return files_failure("list", "/proc", errno);
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(directory));) {
        Process process;
        if (!isdigit((unsigned char)*entry->d_name) || !process_read(atoll(entry->d_name), &process) || process.kernels)
            continue;
        status = list_grow(&table->list, table->count, &table->capacity, sizeof *table->list, "the list of processes");
        if (!status)
            table->list[table->count++] = process;
    }
    closedir(directory);
    if (table->count)
        qsort(table->list, (size_t)table->count, sizeof *table->list, compare_numbers);
    return status;
}

void process_table_free(ProcessTable *table) {
    free(table->list);
    *table = (ProcessTable){0};
}

int64_t process_table_find(const ProcessTable *table, int64_t pid) {
    const int64_t at = list_place(table->list, table->count, sizeof *table->list, compare_to_number, &pid);
    return at < table->count && table->list[at].pid == pid ? at : -1;
}
