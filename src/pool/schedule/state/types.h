/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into the schedule and comes out of it, beside jobs and GPUs. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_TYPES_H
#define FOVEA_POOL_SCHEDULE_STATE_TYPES_H

#include "pool/gpu.h"
#include "pool/job.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Schedule Schedule;

/* What the schedule has done for it, after the database has it. `context` is the host's. */
typedef struct {
    void *context;
    /* Starts the attempt; its end is reported by schedule_ended(), also when it could not be started. `job->request` is
     * NULL when the database could not be read. */
    void (*start)(void *context, const Job *job, const Attempt *attempt);
    /* Asks the attempt to stop with a checkpoint (SIGTERM), or kills it and all its descendants (SIGKILL). */
    void (*stop)(void *context, const Job *job, const Attempt *attempt, int signal);
    /* Something that a person wants to know: "dry", "gpu_lost", "gpu_hot", "quarantine", "failed", "stalled",
     * "filler_stopped", "host_memory", "session_ends", "loan_ends". `job` may be 0, `gpu` -1. */
    void (*notify)(void *context, const char *event, const char *text, int64_t job, int gpu);
} ScheduleHost;

/* Who asks. */
typedef struct {
    uid_t uid;
    const char *user;
} Caller;

typedef enum { ACT_CANCEL, ACT_HOLD, ACT_RELEASE, ACT_RETRY } JobAct;

/* What the answers show. */
typedef struct {
    int gpu, lane; /* number of the rule; index of its lane, -1: none */
    GpuState state;
    char reason[POOL_REASON];
    double since;       /* of the state */
    int64_t job, epoch; /* 0: none */
    double next_round;  /* of looks; 0: none is planned */
    Observation seen;   /* the last */
} GpuView;

/* Why a job waits or a GPU is in its state, in words, and when that is expected to change (NAN: not known). */
typedef struct {
    char reason[2 * POOL_REASON];
    double expected;    /* start, or next change */
    int gpu;            /* that it would get; -1: not known */
    int64_t behind[16]; /* [behind_count] jobs before it */
    int behind_count;
} WhyView;

typedef struct {
    bool on, filler, paused; /* `on`: a loan is given; paused: by a job's I/O error or failures on three GPUs */
    char paused_why[POOL_REASON];
    double total, busy, held, idle, left; /* GPU-seconds */
    double dry_in;                        /* seconds until the queue runs dry; NAN: not known */
    int waiting, running;
    int64_t late[64]; /* [late_count] waiting jobs that cannot end before the loan does */
    int late_count;
} ClockView;

#endif
