/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/watcher.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process group of its own: Ctrl-C in the daemon's terminal is for the daemon. */
static int spawn_reader(const char *path, bool again, int input, int output, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    char *const words[] = {"pool-gauges", (char *)path, again ? "again" : "first", NULL};
    const int cause = posix_spawn(pid, "/proc/self/exe", &files, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return cause;
}

/* `path` NULL: for questions alone. */
static Status start_reader(Watcher *watcher, const char *path, bool again) {
    int input[2], output[2];
    *watcher = (Watcher){.killed = watcher->killed, .input = -1, .output = -1, .started = clock_now()};
    if (pipe2(input, O_CLOEXEC))
        return status_error(EXIT_IO, "cannot make a pipe for the gauges: %s", strerror(errno));
    if (pipe2(output, O_CLOEXEC)) {
        close(input[0]);
        close(input[1]);
        return status_error(EXIT_IO, "cannot make a pipe for the gauges: %s", strerror(errno));
    }
    const int cause = spawn_reader(path, again, input[0], output[1], &watcher->pid);
    close(input[0]);
    close(output[1]);
    watcher->input = input[1];
    watcher->output = output[0];
    if (!cause)
        return NULL;
    watcher->pid = 0;
    watcher_close(watcher);
    return status_error(EXIT_IO, "cannot start the reader of gauges: %s", strerror(cause));
}

/* One that hangs in the driver ends when the driver lets it. */
static void stop_reader(Watcher *watcher) {
    if (watcher->input >= 0)
        close(watcher->input);
    if (watcher->output >= 0)
        close(watcher->output);
    watcher->input = watcher->output = -1;
    if (watcher->pid > 0) {
        kill(watcher->pid, SIGKILL);
        watcher->killed = watcher->pid;
    }
    watcher->pid = 0;
    watcher->size = 0;
}

void watcher_close(Watcher *watcher) {
    stop_reader(watcher);
}

static bool await_hello(const Watcher *watcher, GaugeHello *hello) {
    struct pollfd poll_for = {.fd = watcher->output, .events = POLLIN};
    const double until = clock_now() + WATCHER_OPENING;
    int ready;
    do
        ready = poll(&poll_for, 1, 1000);
    while (ready <= 0 && clock_now() < until);
    return ready > 0 && gauge_reader_read(watcher->output, hello, sizeof *hello);
}

Status watcher_open(Watcher *watcher, const char *path, bool again, GaugeHello *hello) {
    *watcher = (Watcher){0};
    TRY(start_reader(watcher, path, again));
    Status status = NULL;
    if (!await_hello(watcher, hello))
        status = status_error(EXIT_MISSING, "the GPUs' driver does not answer: nvidia-smi tells more");
    else if (hello->code != EXIT_OK)
        status = status_error((ExitCode)hello->code, "%s", hello->message);
    if (status)
        watcher_close(watcher);
    else
        fcntl(watcher->output, F_SETFL, O_NONBLOCK);
    return status;
}

void watcher_ask(Watcher *watcher, int gpu, const char *uuid) {
    if (watcher->open[gpu])
        return;
    watcher->open[gpu] = true;
    if (watcher->open_count++ == 0)
        watcher->asked = clock_now();
    /* With the first question, so that no earlier one waits for a process that never got it. */
    if (watcher->pid == 0 && watcher->open_count == 1 && clock_now() - watcher->started >= WATCHER_PAUSE) {
        Watcher started = {.killed = watcher->killed};
        Status status = start_reader(&started, NULL, true);
        if (!status) {
            fcntl(started.output, F_SETFL, O_NONBLOCK);
            memcpy(started.open, watcher->open, sizeof started.open);
            started.open_count = watcher->open_count;
            started.asked = clock_now();
            *watcher = started;
        }
        status_free(status);
    }
    GaugeQuestion question;
    memset(&question, 0, sizeof question);
    question.gpu = gpu;
    snprintf(question.uuid, sizeof question.uuid, "%s", uuid);
    /* At most one question a GPU is open: all of them fit into the pipe. */
    if (watcher->pid > 0 && !gauge_reader_write(watcher->input, &question, sizeof question))
        stop_reader(watcher);
}

/* Closes a question of which no answer will come. */
static bool take_unanswered(Watcher *watcher, int *gpu, GaugeSample *sample) {
    for (int i = 0; i < POOL_GPUS; i++) {
        if (!watcher->open[i])
            continue;
        watcher->open[i] = false;
        watcher->open_count--;
        *gpu = i;
        gauges_unknown(sample, clock_date(), "the driver does not answer");
        return true;
    }
    return false;
}

bool watcher_take(Watcher *watcher, int *gpu, GaugeSample *sample) {
    if (watcher->killed > 0 && waitpid(watcher->killed, NULL, WNOHANG) != 0)
        watcher->killed = 0;
    if (watcher->pid > 0) {
        const ssize_t got =
            read(watcher->output, (char *)&watcher->answer + watcher->size, sizeof watcher->answer - watcher->size);
        watcher->size += got > 0 ? (size_t)got : 0;
        if (watcher->size == sizeof watcher->answer) {
            watcher->size = 0;
            watcher->asked = clock_now();
            *gpu = watcher->answer.gpu;
            *sample = watcher->answer.sample;
            watcher->open_count -= watcher->open[*gpu];
            watcher->open[*gpu] = false;
            return true;
        }
        if (got == 0 || clock_now() >= watcher_next(watcher))
            stop_reader(watcher);
    }
    return watcher->pid == 0 && take_unanswered(watcher, gpu, sample);
}

double watcher_next(const Watcher *watcher) {
    if (watcher->open_count == 0)
        return INFINITY;
    return watcher->pid > 0 ? watcher->asked + WATCHER_PATIENCE : watcher->asked;
}
