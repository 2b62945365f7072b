/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/launch.h"

#include "base/text.h"
#include "base/text_writer.h"
#include "pool/request_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A shell's codes for a command that is there but cannot be run, and for one that is not there. */
enum { CANNOT_RUN = 126, NOT_THERE = 127 };

/* Jobs use the low numbers. */
enum { ALIVE_DESCRIPTOR = 240 };

static Status cannot_run(const char *what, int cause) {
    return status_error((ExitCode)CANNOT_RUN, "cannot %s: %s", what, strerror(cause));
}

/* A group of its own, by which the job is signalled; with a terminal also a session, whose foreground it is. */
static Status enter_group(const KeeperPlan *plan) {
    if (plan->terminal ? setsid() < 0 : setpgid(0, 0) != 0)
        return cannot_run("make a process group", errno);
    if (plan->terminal)
        (void)!ioctl(STDIN_FILENO, TIOCSCTTY, 0); /* without it the job only lacks Ctrl-C */
    return NULL;
}

/* A core that has been switched off meanwhile is no reason to stop. */
static void set_cores(const KeeperPlan *plan) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < plan->core_count; i++)
        CPU_SET(plan->cores[i], &set);
    if (plan->core_count)
        (void)!sched_setaffinity(0, sizeof set, &set);
}

static rlim_t smaller(rlim_t a, rlim_t b) {
    return a < b ? a : b; /* RLIM_INFINITY is the largest */
}

/* Only root may raise a hard limit: others get what the daemon has. */
static Status set_limits(const Request *request) {
    for (int i = 0; i < REQUEST_LIMITS; i++) {
        struct rlimit limit = request->limits[i], now;
        if (getrlimit((__rlimit_resource_t)i, &now) != 0)
            continue;
        if (geteuid() != 0)
            limit = (struct rlimit){smaller(limit.rlim_cur, now.rlim_max), smaller(limit.rlim_max, now.rlim_max)};
        if (setrlimit((__rlimit_resource_t)i, &limit) != 0)
            return cannot_run("set the limits of the submitter", errno);
    }
    return NULL;
}

/* A user of a number without an entry, as containers have them, is in the group that owns nothing. */
static Status become_user(uid_t uid) {
    static const gid_t NO_GROUP = 65534;
    errno = 0;
    const struct passwd *entry = getpwuid(uid);
    if (!entry && errno && errno != ENOENT && errno != ESRCH)
        return cannot_run("look up the submitter", errno);
    const gid_t gid = entry ? entry->pw_gid : NO_GROUP;
    if ((entry ? initgroups(entry->pw_name, gid) : setgroups(0, NULL)) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return cannot_run("become the submitter", errno);
    if (geteuid() != uid || getegid() != gid || (uid && setuid(0) == 0))
        return status_error((ExitCode)CANNOT_RUN, "cannot become user %lld: the rights of root are still there",
                            (long long)uid);
    return NULL;
}

/* Whether the pool sets this variable. */
static bool is_ours(const char *entry) {
    static const char *const names[] = {
        "CUDA_VISIBLE_DEVICES=", "CUDA_DEVICE_ORDER=", "FOVEA_LEASE=", "FOVEA_JOB=", "FOVEA_GPUS="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static Status print_gpus(const KeeperPlan *plan, char **text) {
    TextWriter writer;
    TRY(text_writer_open(&writer, "the GPUs' numbers"));
    fputs("FOVEA_GPUS=", writer.out);
    for (int i = 0; i < plan->gpu_count; i++)
        fprintf(writer.out, "%s%d", i ? "," : "", plan->gpus[i]);
    return text_writer_take(&writer, text);
}

/* The submitter's, with ours first. It lives as long as this process. */
static Status make_environment(const Launch *launch, char ***environment) {
    enum { OURS = 5 };
    const KeeperPlan *plan = launch->plan;
    const Request *request = &plan->request;
    char *lease, **list = calloc((size_t)request->environment_count + OURS + 1, sizeof *list);
    int count = 0;
    if (!list)
        return status_no_memory("the environment", 0);
    TRY(attempt_lease(launch->name, &lease));
    TRY(text_format(&list[count++], "CUDA_VISIBLE_DEVICES=%s", plan->uuids));
    TRY(text_format(&list[count++], "CUDA_DEVICE_ORDER=PCI_BUS_ID"));
    TRY(text_format(&list[count++], "FOVEA_LEASE=%s:%" PRId64, lease, plan->epoch));
    TRY(text_format(&list[count++], "FOVEA_JOB=%" PRId64, launch->name->job));
    TRY(print_gpus(plan, &list[count++]));
    free(lease);
    for (int i = 0; i < request->environment_count; i++)
        if (!is_ours(request->environment[i]))
            list[count++] = request->environment[i];
    *environment = list;
    return NULL;
}

static Status make_arguments(const KeeperPlan *plan, char ***arguments) {
    enum { MORE = 3 };
    static char resume[] = "--resume", set[] = "--set";
    const Request *request = &plan->request;
    char **list = calloc((size_t)request->argument_count + MORE + 1, sizeof *list);
    int count = request->argument_count;
    if (!list)
        return status_no_memory("the arguments", 0);
    memcpy(list, request->arguments, (size_t)count * sizeof *list);
    if (plan->resume)
        list[count++] = resume;
    if (plan->micro_batch) {
        list[count++] = set;
        TRY(text_format(&list[count++], "train.micro_batch=%" PRId64, plan->micro_batch));
    }
    *arguments = list;
    return NULL;
}

/* The keeper blocks all signals, and the daemon may ignore some. */
static void reset_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* fails for those that cannot be changed */
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static Status run_command(const Launch *launch) {
    const char *program = launch->plan->request.arguments[0];
    char **arguments;
    TRY(make_arguments(launch->plan, &arguments));
    TRY(make_environment(launch, &environ));
    reset_signals();
    execvp(arguments[0], arguments);
    const int cause = errno;
    free(arguments);
    if (cause == E2BIG)
        return status_error((ExitCode)CANNOT_RUN,
                            "cannot run %s: arguments and environment are longer than the system allows; raise the "
                            "stack's limit (ulimit -s), or pass them in a file",
                            program);
    if (cause == ENOENT || cause == ENOTDIR)
        return status_error((ExitCode)NOT_THERE, "cannot run %s: it is not there, or what it names as its interpreter",
                            program);
    return status_error((ExitCode)CANNOT_RUN, "cannot run %s: %s", program, strerror(cause));
}

static Status prepare_and_run(const Launch *launch) {
    const KeeperPlan *plan = launch->plan;
    const Request *request = &plan->request;
    TRY(enter_group(plan));
    set_cores(plan);
    if (fcntl(launch->alive, F_DUPFD, ALIVE_DESCRIPTOR) < 0 && fcntl(launch->alive, F_DUPFD, STDERR_FILENO + 1) < 0)
        return cannot_run("pass on a descriptor", errno);
    TRY(set_limits(request));
    if (plan->as_submitter)
        TRY(become_user((uid_t)plan->uid));
    umask(request->umask);
    if (chdir(request->folder) != 0)
        return status_error((ExitCode)CANNOT_RUN, "cannot change to the folder %s: %s", request->folder,
                            strerror(errno));
    TRY(request_check_files(request));
    return run_command(launch);
}

int launch_job(const Launch *launch) {
    char byte;
    ssize_t got;
    do
        got = read(launch->go, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        return CANNOT_RUN;
    Status failure = prepare_and_run(launch);
    const char *message = status_message(failure);
    const ExitCode code = status_code(failure);
    (void)!write(launch->why, message, strlen(message));
    dprintf(STDERR_FILENO, "pool: %s\n", message);
    status_free(failure);
    return code == EXIT_DATA || code == (ExitCode)NOT_THERE ? (int)code : CANNOT_RUN;
}
