/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/terminal.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PIECE = 65536 };

static Status fail_terminal(Terminal *terminal) {
    const int cause = errno;
    terminal_close(terminal);
    return files_failure("make", "a terminal for the job", cause);
}

Status terminal_open(Terminal *terminal, int stdio[3]) {
    *terminal = (Terminal){.master = -1, .slave = -1};
    for (int i = 0; i < 3; i++)
        stdio[i] = i;
    /* In the background a change of the terminal's settings would stop this process. */
    if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &terminal->settings))
        return NULL;
    char name[128];
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal->master < 0 || grantpt(terminal->master) || unlockpt(terminal->master) ||
        ptsname_r(terminal->master, name, sizeof name))
        return fail_terminal(terminal);
    terminal->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->slave < 0 || tcsetattr(terminal->slave, TCSANOW, &terminal->settings))
        return fail_terminal(terminal);
    terminal->on = true;
    terminal_resize(terminal);
    for (int i = 0; i < 3; i++)
        if (isatty(i))
            stdio[i] = terminal->slave;
    return NULL;
}

void terminal_begin(Terminal *terminal) {
    if (!terminal->on || terminal->raw)
        return;
    struct termios raw = terminal->settings;
    cfmakeraw(&raw);
    terminal->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    terminal_resize(terminal);
    /* The job's end is seen when nobody has its terminal open any more. */
    close(terminal->slave);
    terminal->slave = -1;
}

void terminal_resize(const Terminal *terminal) {
    struct winsize size;
    if (terminal->on && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        (void)!ioctl(terminal->master, TIOCSWINSZ, &size);
}

short terminal_events(const Terminal *terminal) {
    return terminal->raw ? (short)(POLLIN | (terminal->typed_size ? POLLOUT : 0)) : 0;
}

bool terminal_listens(const Terminal *terminal) {
    return terminal->raw && terminal->typed_size == 0;
}

void terminal_type(Terminal *terminal) {
    if (terminal->typed_size == 0)
        return;
    const ssize_t put = write(terminal->master, terminal->typed, terminal->typed_size);
    if (put > 0) {
        terminal->typed_size -= (size_t)put;
        memmove(terminal->typed, terminal->typed + put, terminal->typed_size);
    } else if (errno != EAGAIN && errno != EINTR) {
        terminal->typed_size = 0; /* nobody has the job's terminal open any more */
    }
}

bool terminal_copy_in(Terminal *terminal) {
    const ssize_t got = read(STDIN_FILENO, terminal->typed, sizeof terminal->typed);
    if (got < 0)
        return errno == EINTR;
    terminal->typed_size = (size_t)got;
    terminal_type(terminal);
    return got > 0;
}

bool terminal_copy_out(Terminal *terminal) {
    char piece[PIECE];
    const ssize_t got = read(terminal->master, piece, sizeof piece);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    Status status = files_write_all(STDOUT_FILENO, "the terminal", piece, (size_t)got);
    const bool done = !status;
    status_free(status);
    return done;
}

void terminal_close(Terminal *terminal) {
    if (terminal->raw) {
        struct pollfd left = {.fd = terminal->master, .events = POLLIN};
        while (poll(&left, 1, 0) > 0 && left.revents & POLLIN && terminal_copy_out(terminal))
            ;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->settings);
        terminal->raw = false;
    }
    if (terminal->slave >= 0)
        close(terminal->slave);
    if (terminal->master >= 0)
        close(terminal->master);
    terminal->slave = terminal->master = -1;
    terminal->on = false;
}
