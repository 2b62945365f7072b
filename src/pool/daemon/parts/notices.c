/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/notices.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static Status print_notice(const Notice *notice, char **text) {
    Json json;
    size_t size;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_LINE);
    json_double(&json, "time", notice->time);
    json_string(&json, "node", notice->node);
    json_string(&json, "event", notice->event);
    json_string(&json, "text", notice->text);
    notice->job ? json_integer(&json, "job", notice->job) : json_null(&json, "job");
    notice->gpu >= 0 ? json_integer(&json, "gpu", notice->gpu) : json_null(&json, "gpu");
    json_end(&json);
    json_newline(&json);
    return json_close(&json, "a notice", text, &size);
}

void notices_add(Notices *notices, const Notice *notice) {
    if (notices->count == NOTICES_WAITING) {
        notices->dropped++;
        return;
    }
    Status status = print_notice(notice, &notices->waiting[notices->count]);
    if (!status)
        notices->count++;
    status_free(status);
}

/* The event is in a file in memory: nobody has to write to a pipe that is not read. */
static Status start_notice(const char *program, const char *text, pid_t *pid) {
    const int input = memfd_create("notice", MFD_CLOEXEC);
    if (input < 0)
        return files_failure("make", "a notice's file", errno);
    Status status = files_write_all(input, "a notice", text, strlen(text));
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    sigset_t none, plain;
    sigemptyset(&none);
    sigemptyset(&plain);
    sigaddset(&plain, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &plain);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char *const words[] = {(char *)program, NULL};
    if (!status && lseek(input, 0, SEEK_SET) == 0) {
        const int cause = posix_spawn(pid, program, &files, &attributes, words, environ);
        if (cause)
            status = files_failure("run", program, cause);
    }
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(input);
    return status;
}

static void start_first(Notices *notices, const char *program, int place) {
    Status status = start_notice(program, notices->waiting[0], &notices->running[place].pid);
    notices->running[place].until = clock_now() + NOTICE_SECONDS;
    if (status) {
        notices->running[place].pid = 0;
        fprintf(stderr, "pool: notify: %s\n", status_message(status));
        status_free(status);
    }
    free(notices->waiting[0]);
    memmove(notices->waiting, notices->waiting + 1, (size_t)--notices->count * sizeof *notices->waiting);
}

void notices_work(Notices *notices, const char *program) {
    for (int i = 0; i < NOTICES_AT_ONCE; i++) {
        const pid_t pid = notices->running[i].pid;
        if (pid > 0 && waitpid(pid, NULL, WNOHANG) == pid) {
            notices->running[i].pid = 0;
        } else if (pid > 0 && clock_now() > notices->running[i].until) {
            kill(-pid, SIGKILL); /* with what it started */
        }
        if (notices->running[i].pid == 0 && notices->count > 0)
            start_first(notices, program, i);
    }
    if (notices->dropped > 0 && notices->count < NOTICES_WAITING) {
        fprintf(stderr, "pool: notify: %d events were dropped, since their program is too slow\n", notices->dropped);
        notices->dropped = 0;
    }
}

bool notices_busy(const Notices *notices) {
    bool busy = notices->count > 0;
    for (int i = 0; i < NOTICES_AT_ONCE; i++)
        busy = busy || notices->running[i].pid > 0;
    return busy;
}

void notices_close(Notices *notices) {
    while (notices->count > 0)
        free(notices->waiting[--notices->count]);
}
