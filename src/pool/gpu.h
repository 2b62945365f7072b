/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs, looks and the ledger, as the schedule, the database and the answers have them. */
#ifndef FOVEA_POOL_GPU_H
#define FOVEA_POOL_GPU_H

#include "gauges/gauges.h"
#include "pool/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a GPU of the rule is at the moment. */
typedef enum {
    GPU_FREE,        /* may be leased at once */
    GPU_HELD,        /* leased to a job that runs */
    GPU_DRAINING,    /* its job has ended, something of it is left; or an admin drains it */
    GPU_RESERVED,    /* free, and kept for a waiting job of several GPUs */
    GPU_FOREIGN,     /* a process that is no job's uses it */
    GPU_GHOST,       /* memory is used, and no process shows */
    GPU_QUARANTINED, /* not leased until an admin clears it */
    GPU_HOT,         /* too hot for new leases */
    GPU_UNKNOWN,     /* its gauges do not answer */
} GpuState;

enum { GPU_STATES = GPU_UNKNOWN + 1 };

/* What the ledger says of a stretch of a GPU's time. */
typedef enum {
    LEDGER_HELD,
    LEDGER_DRAINING,
    LEDGER_IDLE,
    LEDGER_FOREIGN,
    LEDGER_QUARANTINED,
    LEDGER_UNSEEN
} LedgerWhat;

enum { LEDGER_WHATS = LEDGER_UNSEEN + 1 };

typedef struct {
    int gpu;         /* number of the rule */
    double from, to; /* to 0: it goes on */
    LedgerWhat what;
    int64_t job, epoch; /* 0: none */
    int64_t uid;        /* -1: none */
    char reason[POOL_REASON];
} LedgerLine;

/* A process on a GPU that is of no job there. */
typedef struct {
    int64_t pid; /* 0: there is none */
    int64_t uid;
    char user[POOL_NAME];
    char command[POOL_REASON];
    int64_t memory; /* bytes; -1: not reported */
    double since;   /* it started; 0: not known */
} ForeignProcess;

/* What was seen of a GPU at one time. */
typedef struct {
    GaugeSample sample;
    int own; /* of its processes, those of the job that holds it */
    ForeignProcess foreign;
} Observation;

/* A look: what decides whether a GPU is idle. */
typedef struct {
    double time;
    double util;    /* percent; NAN: not reported */
    int64_t memory; /* bytes used; -1: not reported */
    int processes;  /* -1: not reported */
    bool known;     /* the GPU answered */
    bool unified;   /* it reports no memory of its own: the host's counts */
} Look;

typedef enum { LOOK_IDLE, LOOK_BUSY, LOOK_UNKNOWN } LookVerdict;

/* A round of two looks. */
typedef struct {
    int gpu;
    Look first, second;
    LookVerdict verdict;
    char why[POOL_REASON];
} LookRound;

const char *gpu_state_name(GpuState state);
const char *ledger_what_name(LedgerWhat what);
/* LEDGER_WHATS when there is no such name. */
LedgerWhat ledger_what_of(const char *name);
const char *look_verdict_name(LookVerdict verdict);

#endif
