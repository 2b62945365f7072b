/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/keeper.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "pool/keeper/keep.h"
#include "pool/keeper/keeper_plan.h"
#include "pool/keeper/members.h"
#include "pool/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_SECONDS = 2 };
enum { FIRST_OWN = 16 }; /* descriptors that a keeper is to get are moved above its own numbers */

/* --- The lock that says that a keeper lives --------------------------------------------------------------------------
 */

/* The daemon locks the file before there is a keeper, which inherits the lock: whoever finds it free knows that there
 * is none and that none is about to be. Its number is in the file; both write it, since either may be the first. */
static Status open_lock(const AttemptName *name, int *lock) {
    char *path;
    TRY(attempt_file(name, "keeper", &path));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    Status status = NULL;
    if (*lock < 0)
        status = files_failure("create", path, errno);
    else if (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = status_error(EXIT_INTERNAL, "%s: this attempt has a keeper", path);
    else if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
        status = files_failure("lock", path, errno);
    if (status && *lock >= 0)
        close(*lock);
    free(path);
    return status;
}

static void write_keeper(int lock, pid_t keeper) {
    char text[32];
    const int length = snprintf(text, sizeof text, "%d\n", (int)keeper);
    (void)!pwrite(lock, text, (size_t)length, 0); /* the other one writes it, too */
}

static void pause_briefly(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* *keeper is 0 when none lives; else *pidfd is its, the caller's. A keeper that was started a moment ago may not have
 * written its number yet. */
static Status find_keeper(const AttemptName *name, pid_t *keeper, int *pidfd) {
    char *path;
    *keeper = 0;
    *pidfd = -1;
    TRY(attempt_file(name, "keeper", &path));
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    Status status = file < 0 && errno != ENOENT ? files_failure("read", path, errno) : NULL;
    const double start = clock_now();
    while (file >= 0 && !status && flock(file, LOCK_SH | LOCK_NB) != 0) {
        char text[32] = "";
        if (pread(file, text, sizeof text - 1, 0) > 0 && strchr(text, '\n'))
            *pidfd = process_open(atoi(text));
        if (*pidfd >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0) {
            *keeper = atoi(text);
            break;
        }
        if (*pidfd >= 0) /* it ended in between: the number may be another's */
            close(*pidfd);
        *pidfd = -1;
        if (clock_now() - start > 10)
            status = status_error(EXIT_IO, "%s is locked, and does not say by which process", path);
        pause_briefly();
    }
    if (file >= 0)
        close(file);
    free(path);
    return status;
}

/* --- Start ----------------------------------------------------------------------------------------------------------
 */

/* Descriptors for the keeper: its 0, 1, 2, the lock and the client; -1: none of that. */
static Status spawn_keeper(const AttemptName *name, const int descriptors[KEEP_DESCRIPTORS], pid_t *keeper) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    char job[32], number[32], *log, *arguments[] = {"pool-keeper", (char *)name->state, job, number, NULL};
    snprintf(job, sizeof job, "%" PRId64, name->job);
    snprintf(number, sizeof number, "%d", name->number);
    TRY(attempt_log(name, &log));
    sigfillset(&all);
    int cause = posix_spawn_file_actions_init(&actions);
    cause = cause ? cause : posix_spawnattr_init(&attributes);
    for (int i = 0; i < KEEP_DESCRIPTORS && !cause; i++) {
        if (descriptors[i] >= 0)
            cause = posix_spawn_file_actions_adddup2(&actions, descriptors[i], i);
        else if (i == STDIN_FILENO)
            cause = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDONLY, 0);
        else if (i <= STDERR_FILENO)
            cause = posix_spawn_file_actions_addopen(&actions, i, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    }
    /* Blocked signals wait for the keeper to be ready for them. */
    cause = cause ? cause
                  : posix_spawn_file_actions_addclosefrom_np(&actions, descriptors[KEEP_CLIENT] >= 0 ? KEEP_DESCRIPTORS
                                                                                                     : KEEP_CLIENT);
    cause = cause ? cause : posix_spawnattr_setsigmask(&attributes, &all);
    cause = cause ? cause : posix_spawnattr_setsigdefault(&attributes, &all);
    cause = cause ? cause
                  : posix_spawnattr_setflags(&attributes,
                                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    cause = cause ? cause : posix_spawn(keeper, "/proc/self/exe", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(log);
    return cause ? status_error(EXIT_INTERNAL, "the keeper of job %" PRId64 " cannot be started: %s", name->job,
                                strerror(cause))
                 : NULL;
}

/* Copies of all descriptors with numbers that no keeper uses. */
static Status gather_descriptors(const KeeperStart *start, int lock, int descriptors[KEEP_DESCRIPTORS]) {
    int client = -1;
    if (start->client && (client = process_open(start->client)) < 0)
        return status_error(EXIT_REFUSED, "the client of job %" PRId64 " ended before its start", start->job->id);
    const int from[KEEP_DESCRIPTORS] = {start->stdio ? start->stdio[0] : -1, start->stdio ? start->stdio[1] : -1,
                                        start->stdio ? start->stdio[2] : -1, lock, client};
    Status status = NULL;
    for (int i = 0; i < KEEP_DESCRIPTORS; i++) {
        descriptors[i] = from[i] >= 0 ? fcntl(from[i], F_DUPFD_CLOEXEC, FIRST_OWN) : -1;
        if (from[i] >= 0 && descriptors[i] < 0 && !status)
            status = status_error(EXIT_INTERNAL, "the keeper of job %" PRId64 " cannot be started: %s", start->job->id,
                                  strerror(errno));
    }
    if (client >= 0)
        close(client);
    return status;
}

static Status start_keeper(const KeeperStart *start, const AttemptName *name, int lock, pid_t *keeper, int *pidfd) {
    int descriptors[KEEP_DESCRIPTORS] = {-1, -1, -1, -1, -1};
    Status status = gather_descriptors(start, lock, descriptors);
    if (!status)
        status = spawn_keeper(name, descriptors, keeper);
    for (int i = 0; i < KEEP_DESCRIPTORS; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    TRY(status);
    write_keeper(lock, *keeper);
    *pidfd = process_open(*keeper);
    if (*pidfd >= 0)
        return NULL;
    status = status_error(EXIT_INTERNAL, "the keeper of job %" PRId64 " cannot be watched: %s", start->job->id,
                          strerror(errno));
    kill(*keeper, SIGKILL);
    waitpid(*keeper, NULL, 0);
    return status;
}

Status keeper_start(const KeeperStart *start, pid_t *keeper, int *pidfd) {
    const AttemptName name = {start->state, start->job->id, start->attempt->number};
    KeeperPlan plan = {.epoch = start->attempt->epoch,
                       .uid = start->job->uid,
                       .micro_batch = start->micro_batch,
                       .gpu_count = start->attempt->gpu_count,
                       .uuids = start->uuids,
                       .cores = (int *)start->cores,
                       .core_count = start->core_count,
                       .terminal = start->terminal,
                       .client = start->client != 0,
                       .as_submitter = start->as_submitter,
                       .resume = start->resume,
                       .grace = start->grace};
    int lock;
    memcpy(plan.gpus, start->attempt->gpus, sizeof plan.gpus);
    *keeper = 0;
    *pidfd = -1;
    TRY(attempt_folders(&name));
    TRY(open_lock(&name, &lock));
    Status status = attempt_put_lease(&name, plan.epoch);
    if (!status)
        status = keeper_plan_write(&name, &plan, start->job->request);
    if (!status)
        status = start_keeper(start, &name, lock, keeper, pidfd);
    close(lock);
    return status;
}

int keeper_main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "pool-keeper: ./pool daemon starts it\n");
        return EXIT_USAGE;
    }
    const AttemptName name = {argv[1], atoll(argv[2]), atoi(argv[3])};
    write_keeper(KEEP_LOCK, getpid());
    return keep_attempt(&name);
}

/* --- What became of it ----------------------------------------------------------------------------------------------
 */

static Status find_end(const AttemptName *name, KeeperReport *report, bool *found) {
    AttemptEnd end;
    TRY(attempt_get_end(name, &end, found));
    if (!*found)
        return NULL;
    report->state = KEEPER_ENDED;
    report->end = end.end;
    report->ended = end.ended;
    memcpy(report->why, end.why, sizeof report->why);
    return NULL;
}

/* A keeper writes the end before it frees its lock: what was not there before the lock was found free is looked for
 * again after. */
Status keeper_look(const char *state, int64_t job, int number, KeeperReport *report) {
    const AttemptName name = {state, job, number};
    Process first;
    char *claimed;
    bool found, known;
    *report = (KeeperReport){.pidfd = -1};
    TRY(attempt_get_first(&name, &first, &known));
    report->pid = known ? (pid_t)first.pid : 0;
    TRY(find_end(&name, report, &found));
    if (found)
        return NULL;
    TRY(find_keeper(&name, &report->keeper, &report->pidfd));
    if (report->keeper) {
        report->state = KEEPER_RUNS;
        return NULL;
    }
    TRY(find_end(&name, report, &found));
    if (found)
        return NULL;
    TRY(attempt_file(&name, "claimed", &claimed));
    report->state = files_exists(claimed) ? KEEPER_KILLED : KEEPER_NOT_STARTED;
    free(claimed);
    return NULL;
}

Status keeper_signal(const char *state, int64_t job, int number, int signal) {
    const AttemptName name = {state, job, number};
    pid_t keeper;
    int pidfd;
    TRY(find_keeper(&name, &keeper, &pidfd));
    if (!keeper)
        return NULL; /* it has ended, or keeper_sweep() is what helps */
    const int sent = signal == SIGKILL ? KEEP_KILL : signal;
    const bool failed = syscall(SYS_pidfd_send_signal, pidfd, sent, NULL, 0) != 0 && errno != ESRCH;
    Status status = failed ? status_error(EXIT_INTERNAL, "the keeper of job %" PRId64 " cannot be signalled: %s", job,
                                          strerror(errno))
                           : NULL;
    close(pidfd);
    return status;
}

Status keeper_revoke(const char *state, int64_t job) {
    return attempt_drop_lease(&(AttemptName){state, job, 0});
}

/* --- Its processes --------------------------------------------------------------------------------------------------
 */

/* Close in either case. */
static Status open_members(const char *state, int64_t job, int number, int64_t epoch, Members *members) {
    const AttemptName name = {state, job, number};
    pid_t keeper;
    int pidfd;
    *members = (Members){0};
    TRY(find_keeper(&name, &keeper, &pidfd));
    if (pidfd >= 0)
        close(pidfd);
    return members_open(members, &name, epoch, keeper);
}

static Status read_members(const char *state, int64_t job, int number, int64_t epoch, MemberTable *read) {
    Members members;
    *read = (MemberTable){0};
    Status status = open_members(state, job, number, epoch, &members);
    if (!status)
        status = members_read(&members, read);
    members_close(&members);
    return status;
}

Status keeper_sweep(const char *state, int64_t job, int number, int64_t epoch, int *left) {
    const double start = clock_now();
    TRY(keeper_revoke(state, job));
    for (;;) {
        MemberTable read;
        Status status = read_members(state, job, number, epoch, &read);
        *left = status ? 1 : (int)members_kill(&read);
        members_free(&read);
        if (status || !*left || clock_now() - start > SWEEP_SECONDS)
            return status;
        pause_briefly();
    }
}

void keeper_owns(const char *state, int64_t job, int number, int64_t epoch, const int64_t *pids, int count,
                 bool *owns) {
    Members members;
    MemberTable read = {0};
    Status failure = open_members(state, job, number, epoch, &members);
    if (!failure && !members.keeper)
        failure = members_read(&members, &read);
    for (int i = 0; i < count; i++) {
        const int64_t at = process_table_find(&read.table, pids[i]);
        owns[i] = !failure && (members.keeper ? members_has(&members, pids[i]) : at >= 0 && read.member[at]);
    }
    members_free(&read);
    members_close(&members);
    status_free(failure);
}

int64_t keeper_memory(const char *state, int64_t job, int number, int64_t epoch) {
    MemberTable read;
    int64_t bytes = 0;
    Status failure = read_members(state, job, number, epoch, &read);
    for (int64_t i = 0; i < read.table.count && !failure; i++)
        bytes += read.member[i] ? process_memory(read.table.list[i].pid) : 0;
    members_free(&read);
    status_free(failure);
    return bytes;
}
