/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/process.h"

#include "base/files.h"
#include "pool/process_table.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void process_user(int64_t uid, char user[POOL_NAME]) {
    char text[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r((uid_t)uid, &entry, text, sizeof text, &found) == 0 && found)
        snprintf(user, POOL_NAME, "%s", found->pw_name);
    else
        snprintf(user, POOL_NAME, "%lld", (long long)uid);
}

/* The beginning of a file of /proc, which has no size to ask for; -1 when it cannot be read. */
static ssize_t read_beginning(const char *path, char *text, size_t size) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    ssize_t length = read(descriptor, text, size - 1);
    close(descriptor);
    text[length > 0 ? length : 0] = 0;
    return length;
}

/* When the machine was started, in seconds since 1970; 0: not known. */
static double boot_time(void) {
    char line[256];
    double time = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file && time == 0 && fgets(line, sizeof line, file))
        if (strncmp(line, "btime ", 6) == 0)
            time = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return time;
}

/* In seconds since 1970; 0: not known. */
static double start_time(int64_t pid) {
    Process process;
    const double boot = boot_time();
    return boot > 0 && process_read(pid, &process) ? boot + (double)process.start / (double)sysconf(_SC_CLK_TCK) : 0;
}

bool process_describe(int64_t pid, ForeignProcess *process) {
    char path[64];
    struct stat about;
    *process = (ForeignProcess){.pid = pid, .uid = -1, .memory = -1};
    snprintf(path, sizeof path, "/proc/%lld", (long long)pid);
    if (pid <= 0 || stat(path, &about))
        return false;
    process->uid = about.st_uid;
    process_user(process->uid, process->user);
    process->since = start_time(pid);
    snprintf(path, sizeof path, "/proc/%lld/cmdline", (long long)pid);
    ssize_t length = read_beginning(path, process->command, sizeof process->command);
    while (length > 0 && !process->command[length - 1])
        length--;
    for (ssize_t i = 0; i < length; i++) /* arguments end in NULs */
        if (!process->command[i])
            process->command[i] = ' ';
    return true;
}

/* The paths of one process, each once. */
static Status take_process(int64_t pid, const char *prefix, ProcessTakeOpen take, void *context, int *hidden) {
    enum { PATHS = 64 };
    char folder[64], path[256], seen[PATHS][256];
    int count = 0;
    snprintf(folder, sizeof folder, "/proc/%lld/fd", (long long)pid);
    DIR *directory = opendir(folder);
    if (!directory) {
        *hidden += errno == EACCES || errno == EPERM;
        return NULL;
    }
    Status status = NULL;
    for (struct dirent *entry; !status && count < PATHS && (entry = readdir(directory));) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, path, sizeof path - 1);
        path[length > 0 ? length : 0] = 0;
        bool known = length <= 0 || strncmp(path, prefix, strlen(prefix)) != 0;
        for (int i = 0; i < count && !known; i++)
            known = strcmp(seen[i], path) == 0;
        if (known)
            continue;
        strcpy(seen[count++], path);
        status = take(context, pid, path);
    }
    closedir(directory);
    return status;
}

Status process_each_open(const char *prefix, ProcessTakeOpen take, void *context, int *hidden) {
    *hidden = 0;
    DIR *processes = opendir("/proc");
    if (!processes)
        return files_failure("list", "/proc", errno);
    Status status = NULL;
    for (struct dirent *entry; !status && (entry = readdir(processes));)
        if (isdigit((unsigned char)entry->d_name[0]))
            status = take_process(atoll(entry->d_name), prefix, take, context, hidden);
    closedir(processes);
    return status;
}
