/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper is the process that starts one attempt of a job, outlives the daemon, and writes how it ended before it goes
 * itself. It is a subreaper: what the job leaves behind becomes its child and is killed. The daemon starts it by
 * executing its own program under the name "pool-keeper", with the attempt's folder.
 *
 * STATE/jobs/JOB/ (mode 0700, the daemon's user) contains for attempt N
 *   N.start.json  request and lease, written by the daemon before it starts the keeper
 *   N.claimed     created by the keeper, with O_EXCL, before the job starts: without it the attempt never ran
 *   N.keeper      the keeper's number, locked while it lives. The daemon takes the lock before it starts the keeper,
 *                 which inherits it: where it is free there is no keeper, and none will come
 *   N.alive       locked through a descriptor that the job and all its descendants inherit: free when none is left
 *   N.pid.json    {"pid", "start", "boot"} of the job's first process
 *   N.exit.json   {"exit", "signal", "ended", "why", "joules"?}: all processes of the attempt are gone
 *   log           output of the attempts of a submitted job, appended
 * STATE/leases/JOB contains the number of the valid lease and a newline; everybody may read it. */
#ifndef FOVEA_POOL_KEEPER_KEEPER_H
#define FOVEA_POOL_KEEPER_KEEPER_H

#include "base/status.h"
#include "pool/gpu.h"
#include "pool/job.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the daemon hands to a keeper. */
typedef struct {
    const char *state; /* the pool's folder, absolute */
    const Job *job;    /* with its request */
    const Attempt *attempt;
    const char *uuids; /* CUDA_VISIBLE_DEVICES: "GPU-..,GPU-.."; "" on slots */
    const int *cores;  /* [core_count] that it may run on; none: as the submitter's */
    int core_count;
    const int *stdio;    /* descriptors 0, 1, 2 of a foreground job; NULL: the log */
    bool terminal;       /* of stdio: descriptor 0 becomes its controlling terminal */
    pid_t client;        /* of a foreground job, for which a keeper stops it when it is gone; 0: none */
    bool as_submitter;   /* the daemon is root: switch to the job's user */
    bool resume;         /* add --resume to the command */
    int64_t micro_batch; /* add --set train.micro_batch=N; 0: do not */
    double grace;        /* seconds from SIGTERM to SIGKILL */
} KeeperStart;

/* Writes N.start.json and the lease, and starts the keeper. *pidfd becomes readable when it ends; the caller's. */
Status keeper_start(const KeeperStart *start, pid_t *keeper, int *pidfd) MUST_USE;
/* The keeper itself: main() calls it when its name is "pool-keeper". Returns its exit code. */
int keeper_main(int argc, char **argv);

typedef enum {
    KEEPER_RUNS,        /* a keeper lives: *pidfd is its */
    KEEPER_ENDED,       /* `end` and `why` say how; nothing is left */
    KEEPER_NOT_STARTED, /* no keeper started it, and none will */
    KEEPER_KILLED,      /* the keeper was killed; keeper_sweep() removes what is left */
} KeeperState;

typedef struct {
    KeeperState state;
    pid_t keeper, pid;
    int pidfd; /* -1 unless KEEPER_RUNS */
    JobEnd end;
    double ended;
    char why[POOL_REASON];
} KeeperReport;

/* What became of an attempt, after the daemon's restart or after its keeper ended. */
Status keeper_look(const char *state, int64_t job, int number, KeeperReport *report) MUST_USE;
/* Sends SIGTERM to the attempt's process group, which is killed after the grace; passes SIGINT, SIGHUP and SIGUSR1 on;
 * SIGKILL kills all its processes. The keeper lives on and reports. NULL when there is none. */
Status keeper_signal(const char *state, int64_t job, int number, int signal) MUST_USE;
/* Kills everything that belongs to the attempt and has no keeper: descendants by the lease in their environment, by the
 * inherited descriptor, by their parents. *left: how many are still there. */
Status keeper_sweep(const char *state, int64_t job, int number, int64_t epoch, int *left) MUST_USE;
/* Marks the lease as lost, for processes that check it. */
Status keeper_revoke(const char *state, int64_t job) MUST_USE;
/* Which of `pids` [count] belong to the attempt. */
void keeper_owns(const char *state, int64_t job, int number, int64_t epoch, const int64_t *pids, int count, bool *owns);
/* Bytes of the host's memory that come free when its processes end; see process_memory(). */
int64_t keeper_memory(const char *state, int64_t job, int number, int64_t epoch);

#endif
