/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, as the database, the schedule and the answers have them. Times are seconds since 1970 with a fraction; of a
 * simulation, since its start. */
#ifndef FOVEA_POOL_JOB_H
#define FOVEA_POOL_JOB_H

#include "pool/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum { JOB_WAITING, JOB_HELD, JOB_RUNNING, JOB_STOPPING, JOB_DONE, JOB_FAILED, JOB_CANCELLED } JobState;

enum { JOB_STATES = JOB_CANCELLED + 1 };

/* Why a job was asked to stop, which decides what becomes of it. */
typedef enum {
    STOP_NONE,
    STOP_CANCEL,  /* cancelled */
    STOP_YIELD,   /* goes back to the queue, and that is no failure */
    STOP_FAILURE, /* goes back to the queue as after a failure */
    STOP_LIMIT    /* its time is over: failed */
} JobStop;

/* What was asked for. */
typedef struct {
    int gpus;               /* how many, from 1 */
    int gpu_ids[POOL_GPUS]; /* [gpu_id_count] numbers of the rule; none: any of the lane */
    int gpu_id_count;
    char lane[POOL_NAME];
    int64_t gpu_memory, host_memory; /* bytes, the first of each GPU; -1: not stated */
    double time_limit;               /* seconds an attempt may take; 0: none */
    int priority;                    /* higher goes first; 0 unless asked */
    int64_t *after;                  /* [after_count] jobs that must be done first; owned */
    int after_count;
    bool resumable;  /* may be stopped for others; exit 75, and started again with --resume */
    bool foreground; /* of `pool run`: its client waits for it; never started twice */
} JobWants;

/* The end of an attempt. */
typedef struct {
    int exit;   /* -1: it has not ended, or by a signal */
    int signal; /* 0: none */
} JobEnd;

typedef struct {
    int64_t id; /* from 1 */
    uid_t uid;
    char user[POOL_NAME];
    char *name;    /* "" unless given; owned, as all texts here */
    char *command; /* the whole command line for people */
    char *request; /* JSON of program, arguments, environment, folder, limits and hashes; see pool/request.h */
    JobWants wants;
    JobState state;
    JobEnd end;               /* of the last attempt that ended */
    char reason[POOL_REASON]; /* of the state; "" when there is nothing to say */
    JobStop stop;             /* of a stopping job */
    double stop_at;           /* when it was asked to; 0: it was not */
    double submitted;
    double queued; /* when it last began to wait: among equals the earlier goes first */
    int failures;  /* attempts that count against its retries */
    int halvings;  /* of the micro-batch, after exits for lack of device memory */
    int attempts;
    char *run_dir;       /* where it writes metrics.jsonl; "": not known */
    int64_t micro_batch; /* as planned; 0: the program is no trainer of fovea */
    char *sweep, *trial; /* "": of no sweep */
} Job;

typedef struct {
    int64_t job;
    int number;          /* of the job's attempts, from 1 */
    int64_t epoch;       /* of the lease; grows over all jobs and GPUs */
    int gpus[POOL_GPUS]; /* [gpu_count] numbers of the rule */
    int gpu_count;
    double from, to; /* to 0: not ended */
    JobEnd end;
    char why[POOL_REASON]; /* it ended; "" */
    int64_t pid;           /* the job's first process; 0: not known */
    double busy;           /* GPU-seconds at work, as far as gauges saw */
    double joules;         /* 0: not measured */
    bool worked;           /* it outlived the time in which a failure is called early */
} Attempt;

const char *job_state_name(JobState state);
/* JOB_STATES when there is no such state. */
JobState job_state_of(const char *name);
/* Frees what it owns. */
void job_free(Job *job);

#endif
