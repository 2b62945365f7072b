/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/keep.h"

#include "base/clock.h"
#include "base/file_lock.h"
#include "base/files.h"
#include "pool/keeper/launch.h"
#include "pool/keeper/members.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    const AttemptName *name;
    KeeperPlan plan;
    Members members;
    int alive, signals, client, why; /* -1: closed */
    pid_t job;
    bool child;     /* this is the job's first process */
    bool killed;    /* all of it is to end now */
    bool ended;     /* the first process has; it is reaped last, so that its number names its group until then */
    double kill_at; /* clock_now(); INFINITY: not planned */
    AttemptEnd end;
} Keep;

static int close_descriptor(int descriptor) {
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

/* --- Start ----------------------------------------------------------------------------------------------------------
 */

static Status open_alive(Keep *keep) {
    char *path;
    TRY(attempt_file(keep->name, "alive", &path));
    keep->alive = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    Status status = NULL;
    if (keep->alive < 0)
        status = files_failure("create", path, errno);
    else
        file_lock_wait(keep->alive);
    free(path);
    return status;
}

static Status open_keep(Keep *keep) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    keep->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    prctl(PR_SET_NAME, "pool-keeper"); /* in place of "exe" */
    if (keep->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return status_error(EXIT_INTERNAL, "the keeper cannot watch the job: %s", strerror(errno));
    TRY(keeper_plan_read(keep->name, &keep->plan));
    TRY(members_open(&keep->members, keep->name, keep->plan.epoch, getpid()));
    if (keep->plan.client)
        keep->client = KEEP_CLIENT;
    return open_alive(keep);
}

/* The child waits until it is on record, and ends when this process does before. */
static Status start_job(Keep *keep, int *code) {
    int go[2], why[2];
    if (pipe2(go, O_CLOEXEC) != 0 || pipe2(why, O_CLOEXEC | O_NONBLOCK) != 0)
        return status_error(EXIT_INTERNAL, "the keeper cannot start the job: %s", strerror(errno));
    fflush(NULL);
    keep->job = fork();
    if (keep->job == 0) {
        keep->child = true;
        close(go[1]);
        close(KEEP_LOCK);
        *code = launch_job(&(Launch){keep->name, &keep->plan, keep->alive, go[0], why[1]});
        return NULL;
    }
    Status status = NULL;
    if (keep->job < 0)
        status = status_error(EXIT_INTERNAL, "the keeper cannot start the job: %s", strerror(errno));
    close(go[0]);
    close(why[1]);
    keep->why = why[0];
    keep->alive = close_descriptor(keep->alive);
    Process first;
    if (!status && process_read(keep->job, &first))
        status = attempt_put_first(keep->name, &first);
    if (!status && write(go[1], "", 1) != 1)
        status = status_error(EXIT_INTERNAL, "the job's first process ended before its command");
    close(go[1]);
    return status;
}

/* --- While the job runs ---------------------------------------------------------------------------------------------
 */

/* A job that has not made its group yet is alone. Stopped processes would not see the signal. */
static void signal_job(const Keep *keep, int number) {
    if (kill(-keep->job, number) != 0 && errno == ESRCH)
        kill(keep->job, number);
    kill(-keep->job, SIGCONT);
}

static void stop_job(Keep *keep) {
    signal_job(keep, SIGTERM);
    if (isinf(keep->kill_at) && !keep->killed && !keep->ended)
        keep->kill_at = clock_now() + keep->plan.grace;
}

static void take_signals(Keep *keep) {
    struct signalfd_siginfo signal;
    while (read(keep->signals, &signal, sizeof signal) == (ssize_t)sizeof signal)
        switch (signal.ssi_signo) {
        case SIGTERM:
            stop_job(keep);
            break;
        case SIGINT:
        case SIGHUP:
        case SIGUSR1:
            signal_job(keep, (int)signal.ssi_signo);
            break;
        case KEEP_KILL:
            keep->killed = true;
            break;
        default:
            break;
        }
}

static void wait_for_events(Keep *keep, double seconds) {
    struct pollfd events[] = {{.fd = keep->signals, .events = POLLIN}, {.fd = keep->client, .events = POLLIN}};
    const double left = fmin(seconds, keep->kill_at - clock_now());
    const int milliseconds = isinf(left) ? -1 : left <= 0 ? 0 : (int)fmin(ceil(left * 1000), 1e9);
    if (poll(events, 2, milliseconds) < 0)
        return;
    if (events[1].revents) {
        keep->client = close_descriptor(keep->client);
        snprintf(keep->end.why, sizeof keep->end.why, "its client ended");
        stop_job(keep);
    }
    take_signals(keep);
    if (clock_now() >= keep->kill_at) {
        snprintf(keep->end.why, sizeof keep->end.why, "it did not end within %g s of SIGTERM and was killed",
                 keep->plan.grace);
        keep->killed = true;
        keep->kill_at = INFINITY;
    }
}

/* Reaps what has ended, but for the first process. */
static void reap_children(Keep *keep) {
    siginfo_t info = {0};
    while (!keep->ended && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
        if (info.si_pid != keep->job) {
            waitpid(info.si_pid, NULL, WNOHANG);
            continue;
        }
        keep->ended = true;
        keep->kill_at = INFINITY;
        keep->client = close_descriptor(keep->client);
        keep->end.ended = clock_date();
        keep->end.end = info.si_code == CLD_EXITED ? (JobEnd){.exit = info.si_status}
                                                   : (JobEnd){.exit = -1, .signal = info.si_status};
    }
}

/* Kills all that is left at this moment; *left is how many there were. What one of them has forked meanwhile is in its
 * group, or it is there the next time. */
static Status kill_rest(const Keep *keep, int64_t *left) {
    MemberTable read;
    *left = 1;
    kill(-keep->job, SIGKILL);
    Status status = members_read(&keep->members, &read);
    if (!status)
        *left = members_kill(&read);
    for (int64_t i = 0; i < read.table.count; i++) {
        const Process *process = &read.table.list[i];
        if (process->dead && process->parent == getpid() && process->pid != keep->job)
            waitpid((pid_t)process->pid, NULL, WNOHANG);
    }
    members_free(&read);
    return status;
}

/* Until nothing is left: a process that waits for a disk or a GPU cannot be killed before. */
static void sweep_rest(Keep *keep) {
    double pause = 0.002;
    for (int64_t left = 1; left;) {
        Status failure = kill_rest(keep, &left);
        status_free(failure); /* a lack of memory or descriptors passes */
        if (left)
            wait_for_events(keep, pause);
        pause = fmin(2 * pause, 0.2);
    }
}

static void wait_for_job(Keep *keep) {
    double pause = INFINITY;
    for (;;) {
        wait_for_events(keep, pause);
        reap_children(keep);
        if (keep->ended)
            return;
        int64_t left;
        if (keep->killed)
            status_free(kill_rest(keep, &left));
        pause = keep->killed ? 0.02 : INFINITY;
    }
}

/* --- End ------------------------------------------------------------------------------------------------------------
 */

/* The child's own words come first: they say why there was no command. */
static void take_reason(Keep *keep) {
    char text[POOL_REASON];
    const ssize_t got = keep->why >= 0 ? read(keep->why, text, sizeof text - 1) : 0;
    if (got > 0)
        snprintf(keep->end.why, sizeof keep->end.why, "%.*s", (int)got, text);
}

static Status keep_job(Keep *keep, int *code) {
    TRY(open_keep(keep));
    Status status = start_job(keep, code);
    if (keep->child || keep->job <= 0)
        return status;
    if (!status)
        wait_for_job(keep);
    else
        kill(keep->job, SIGKILL);
    sweep_rest(keep);
    waitpid(keep->job, NULL, 0);
    take_reason(keep);
    return status;
}

static void close_keep(Keep *keep) {
    close_descriptor(keep->alive);
    close_descriptor(keep->signals);
    close_descriptor(keep->client);
    close_descriptor(keep->why);
    members_close(&keep->members);
    keeper_plan_free(&keep->plan);
}

/* The lease ends before the attempt does: who gets away and checks it finds it lost. */
static Status report_end(Keep *keep) {
    TRY(attempt_drop_lease(keep->name));
    return attempt_put_end(keep->name, &keep->end);
}

int keep_attempt(const AttemptName *name) {
    /* The daemon's folder is none of the keeper's, and may be on a disk that is to be taken away. */
    (void)!chdir("/");
    Keep keep = {.name = name, .alive = -1, .signals = -1, .client = -1, .why = -1, .kill_at = INFINITY};
    int code = EXIT_OK;
    fcntl(KEEP_LOCK, F_SETFD, FD_CLOEXEC);
    fcntl(KEEP_CLIENT, F_SETFD, FD_CLOEXEC);
    Status status = attempt_claim(name);
    const bool claimed = !status;
    if (claimed)
        status = keep_job(&keep, &code);
    if (status && claimed && !keep.child) {
        keep.end = (AttemptEnd){.end = {.exit = status_code(status)}, .ended = clock_date()};
        snprintf(keep.end.why, sizeof keep.end.why, "%s", status_message(status));
        status_free(status);
        status = NULL;
    }
    if (!keep.child && !status)
        status = report_end(&keep);
    if (status) {
        fprintf(stderr, "pool-keeper: %s\n", status_message(status));
        code = (int)status_code(status);
    }
    status_free(status);
    close_keep(&keep);
    return code;
}
