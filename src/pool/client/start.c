/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/client/start.h"
#include "base/clock.h"
#include "base/files.h"
#include "pool/client/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60, /* seconds; opening a driver that was idle takes some */ PAUSE = 20 /* milliseconds */ };

/* The program itself under the name "pool", in a session of its own: a terminal that closes does not end it. */
static Status spawn_daemon(const char *folder, int log, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, log, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    char *const words[] = {"pool", "daemon", "--state", (char *)folder, NULL};
    const int cause = posix_spawn(pid, "/proc/self/exe", &files, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return cause ? status_error(EXIT_IO, "cannot start a daemon: %s", strerror(cause)) : NULL;
}

/* Waits until it listens or has ended; another command may have started one at the same time. */
static Status await_daemon(const char *folder, pid_t pid, int *descriptor) {
    double start = clock_now();
    bool ended = false, refused = false;
    int how = 0;
    while ((*descriptor = wire_connect(folder)) < 0) {
        if (clock_now() - start > (ended && !refused ? 1 : PATIENCE))
            return status_error(EXIT_MISSING, "the daemon for %s %s; %s/daemon.log says why", folder,
                                ended ? "did not start" : "does not answer", folder);
        if (!ended && waitpid(pid, &how, WNOHANG) == pid) {
            ended = true;
            refused = WIFEXITED(how) && WEXITSTATUS(how) == EXIT_REFUSED; /* another one has the folder already */
            start = clock_now();
        }
        usleep(PAUSE * 1000);
    }
    if (!ended)
        fprintf(stderr, "pool: started a daemon for %s (pid %ld; its messages: %s/daemon.log)\n", folder, (long)pid,
                folder);
    return NULL;
}

Status start_daemon(const char *folder, int *descriptor) {
    const bool existed = files_exists(folder);
    TRY(files_make_directory(folder));
    if (!existed && chmod(folder, 0700))
        return files_failure("change the mode of", folder, errno);
    char *path;
    TRY(files_path(&path, "%s/daemon.log", folder));
    const int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    Status status = log < 0 ? files_failure("open", path, errno) : NULL;
    free(path);
    pid_t pid = 0;
    if (!status)
        status = spawn_daemon(folder, log, &pid);
    if (log >= 0)
        close(log);
    TRY(status);
    return await_daemon(folder, pid, descriptor);
}
