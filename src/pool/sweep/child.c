/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/child.h"

#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_THERE = 127, PIECE = 65536 };

/* Reads to the end; what is beyond CHILD_OUTPUT is read and dropped, so that the program does not wait. */
static Status read_all(int descriptor, char **text) {
    char *data = NULL;
    int64_t used = 0, capacity = 0;
    for (;;) {
        char piece[PIECE];
        const ssize_t count = read(descriptor, piece, sizeof piece);
        if (count < 0 && errno == EINTR)
            continue;
        for (ssize_t i = 0; i < (count > 0 && used < CHILD_OUTPUT ? count : 0); i++) {
            Status status = list_grow(&data, used, &capacity, 1, "a program's output");
            if (status) {
                free(data);
                return status;
            }
            data[used++] = piece[i];
        }
        if (count <= 0)
            break;
    }
    Status status = list_grow(&data, used, &capacity, 1, "a program's output");
    if (status) {
        free(data);
        return status;
    }
    data[used] = '\0';
    *text = data;
    return NULL;
}

/* What the child is to have in place of what this thread has: no signal blocked, SIGPIPE as usual. */
static int set_signals(posix_spawnattr_t *attributes) {
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    failed = failed ? failed : posix_spawnattr_setsigdefault(attributes, &usual);
    return failed ? failed : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn_child(char *const *arguments, const char *folder, char *const *environment, int output, int errors,
                       pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
        if (folder && !failed)
            failed = posix_spawn_file_actions_addchdir_np(&actions, folder);
        failed = failed ? failed : set_signals(&attributes);
        if (!failed)
            failed = posix_spawnp(pid, arguments[0], &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int wait_for(pid_t pid) {
    int outcome = 0;
    while (waitpid(pid, &outcome, 0) < 0)
        if (errno != EINTR)
            return EXIT_INTERNAL;
    return WIFSIGNALED(outcome) ? 128 + WTERMSIG(outcome) : WEXITSTATUS(outcome);
}

static Status run_with(char *const *arguments, const char *folder, char *const *environment, int ends[2], int errors,
                       Child *child) {
    pid_t pid;
    const int failed = spawn_child(arguments, folder, environment, ends[1], errors, &pid);
    close(ends[1]);
    ends[1] = -1;
    if (failed)
        return status_error((ExitCode)(failed == ENOENT || failed == ENOTDIR ? EXIT_NOT_THERE : EXIT_CANNOT_RUN),
                            "cannot run %s: %s", arguments[0], strerror(failed));
    Status status = read_all(ends[0], &child->output);
    child->exit = wait_for(pid);
    if (!status && lseek(errors, 0, SEEK_SET) == 0)
        status = read_all(errors, &child->errors);
    return status;
}

Status child_run(char *const *arguments, const char *folder, char *const *environment, Child *child) {
    int ends[2] = {-1, -1};
    *child = (Child){0};
    const int errors = memfd_create("errors", MFD_CLOEXEC);
    Status status = errors < 0 || pipe2(ends, O_CLOEXEC) != 0
                        ? status_error(EXIT_IO, "cannot run %s: %s", arguments[0], strerror(errno))
                        : run_with(arguments, folder, environment, ends, errors, child);
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    if (errors >= 0)
        close(errors);
    return status;
}

void child_free(Child *child) {
    free(child->output);
    free(child->errors);
    *child = (Child){0};
}
