/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/state_folder.h"
#include "base/file_lock.h"
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Five seconds in all. */
enum { LOCK_TRIES = 250, LOCK_PAUSE = 20 /* milliseconds */ };

static Status make_folder(const char *path, mode_t mode) {
    TRY(files_make_directory(path));
    return chmod(path, mode) ? files_failure("change the mode of", path, errno) : NULL;
}

static Status make_part(const char *folder, const char *name, mode_t mode) {
    char *path;
    TRY(files_path(&path, "%s/%s", folder, name));
    Status status = make_folder(path, mode);
    free(path);
    return status;
}

/* Whether it has what a pool's folder has, or nothing that a pool did not make. */
static bool is_pools(const char *folder) {
    DIR *directory = opendir(folder);
    if (!directory)
        return true; /* what is wrong with it is said when it is used */
    bool locked = false, others = false;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        locked = locked || strcmp(entry->d_name, "lock") == 0;
        others = others || (entry->d_name[0] != '.' && strcmp(entry->d_name, "rule.ini") != 0 &&
                            strcmp(entry->d_name, "daemon.log") != 0);
    }
    closedir(directory);
    return locked || !others;
}

/* The process that the lock names; 0: none. */
static pid_t read_pid(int lock) {
    char pid[32] = "";
    return pread(lock, pid, sizeof pid - 1, 0) > 0 ? (pid_t)strtol(pid, NULL, 10) : 0;
}

/* A daemon that was killed while it started another process leaves its lock with that one, until that has become
 * another program: what is held by nobody who lives is waited for. */
static Status await_lock(const char *folder, const char *path, int lock) {
    for (int i = 0; !file_lock(lock, path, stderr); i++) {
        const pid_t pid = read_pid(lock);
        const bool lives = pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
        if (lives || i == LOCK_TRIES)
            return status_error(EXIT_REFUSED, "a daemon serves %s already: pid %ld", folder, (long)pid);
        usleep(LOCK_PAUSE * 1000);
    }
    return NULL;
}

static Status write_pid(const char *path, int lock) {
    char pid[32];
    const int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0))
        return files_failure("write", path, errno);
    return files_write_at(lock, path, pid, (size_t)length, 0);
}

static Status take_lock(const char *folder, int *lock) {
    char *path;
    TRY(files_path(&path, "%s/lock", folder));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    Status status = *lock < 0 ? files_failure("open", path, errno) : NULL;
    if (!status)
        status = await_lock(folder, path, *lock);
    if (!status)
        status = write_pid(path, *lock);
    free(path);
    return status;
}

static Status keep_rule_path(const char *folder, const char *rule) {
    char *path;
    TRY(files_path(&path, "%s/rule.path", folder));
    Status status = rule ? files_write(path, rule, strlen(rule)) : files_remove(path);
    free(path);
    return status;
}

Status state_folder_open(const char *folder, const char *rule, bool root, int *lock) {
    *lock = -1;
    struct stat about;
    if (stat(folder, &about) == 0 && about.st_uid != geteuid())
        return status_error(EXIT_REFUSED, "%s is another user's folder; name your own by --state", folder);
    if (!is_pools(folder))
        return status_error(EXIT_USAGE, "%s has files that no pool made; name a folder of its own by --state", folder);
    TRY(make_folder(folder, root ? 0711 : 0700));
    Status status = take_lock(folder, lock);
    if (!status)
        status = keep_rule_path(folder, rule);
    if (!status)
        status = make_part(folder, "jobs", 0700);
    if (!status)
        status = make_part(folder, "leases", 0755);
    if (status && *lock >= 0)
        close(*lock);
    return status;
}

int64_t state_folder_last_job(const char *folder) {
    char path[PATH_MAX];
    int64_t last = 0;
    snprintf(path, sizeof path, "%s/jobs", folder);
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        const int64_t number = strtoll(entry->d_name, NULL, 10);
        last = number > last ? number : last;
    }
    if (directory)
        closedir(directory);
    return last;
}
