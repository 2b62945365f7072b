/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule's memory, which its files share. Files of GPUs (gpus/, gpu_watch) change ScheduleGpu alone, and of a job
 * what gauges say of it: its progress and its attempt's `busy` and `joules`. Files of jobs (queue, submit, starts,
 * outcome, limits, clock) change ScheduleJob and the switches; each reaches the other half through the functions that
 * its headers declare.
 *
 * Sub-folders form no circle: state (types, state, effects, queue ..) <- gpus <- jobs <- the files of schedule
 * itself. So a file of state includes no header of gpus. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_STATE_H
#define FOVEA_POOL_SCHEDULE_STATE_STATE_H

#include "gauges/xid_table.h"
#include "pool/rule/rule.h"
#include "pool/schedule/state/types.h"
#include "pool/store/store.h"

typedef struct {
    int number; /* of the rule */
    int lane;   /* index; -1: none */
    bool cpu;   /* a slot: no gauges, never looked at, free as soon as its job is gone */
    char id[POOL_ID];

    GpuState state; /* as gpus_settle() found it */
    char reason[POOL_REASON];
    double since;

    int64_t job, epoch; /* of the lease; 0: none */
    int64_t uid;        /* of its holder */
    double leased_at;
    bool unclaimed;     /* a lease of the daemon before this one, whose job nobody has adopted yet */
    double unseen_from; /* until when that daemon lived */
    bool ended;         /* its job's processes are gone: it is leased until gauges show it clear */
    double ended_at;
    bool fresh;   /* what was seen last was read after they were gone */
    bool drained; /* an admin lets no job start */
    char drained_by[POOL_NAME];
    bool quarantined;
    char quarantine_why[POOL_REASON];
    int64_t uncorrected; /* ECC errors that an admin has accepted, by clearing the GPU */
    bool hot;            /* at or above warn_celsius, until some degrees below */
    bool stop_hot;       /* at or above stop_celsius */

    Observation seen;
    double seen_at;                /* 0: never */
    char foreign_why[POOL_REASON]; /* as its foreign process was when it was first seen */
    bool reworded;                 /* the reason of its state may be another, with the state the same */
    double counted_at;             /* until when its job's seconds at work are counted */
    double counted_joules;         /* the counter's state then; NAN: not known */
    double kept_at;                /* when the count was last written to the database */
    int64_t baseline;              /* memory of the idle GPU, learned; -1: not yet */
    Look first;                    /* of the round under way; time 0: none */
    double next_look;              /* when the next look is due */
    LookVerdict verdict;           /* of the last round, valid when round_at is later than its last lease */
    char verdict_why[POOL_REASON];
    double round_at; /* when the last round ended; 0: never */

    int64_t reserved_for; /* a waiting job of several GPUs; 0: none */
    int early_failures;   /* different jobs in a row that failed soon after their start here */
    int64_t early_jobs[3];
    LedgerLine line; /* the open one; from 0: none */
} ScheduleGpu;

typedef struct {
    Job job;
    int lane;                      /* index; -1: the rule has it no longer */
    Attempt attempt;               /* of running and stopping jobs; number 0: none */
    double progress;               /* when it last was seen to work */
    bool killed;                   /* SIGKILL was sent */
    bool warned;                   /* of its time limit or the loan's end */
    bool stalled;                  /* the lack of progress was notified */
    bool kept;                     /* waits for several GPUs, and they are kept for it as they come */
    int64_t turn;                  /* its place among the jobs of its user: see order.h */
    int64_t memory, memory_before; /* of the host; -1: not known */
    int64_t avoid[POOL_GPUS];      /* [avoid_count] numbers of GPUs on which an attempt of it failed */
    int avoid_count;
} ScheduleJob;

/* Something to do once the database has it: see effects.h. */
typedef struct {
    enum { EFFECT_START, EFFECT_STOP, EFFECT_NOTIFY } kind;
    int64_t job; /* 0: none */
    int signal;  /* of EFFECT_STOP */
    int gpu;     /* number; -1: none */
    char event[32];
    char text[2 * POOL_REASON];
} Effect;

/* The last user to be served goes to the end of the row. */
typedef struct {
    uid_t uid;
    double served; /* when a job of the user was last started */
} Turn;

struct Schedule {
    const Rule *rule;
    Store *store;
    ScheduleHost host;
    const XidTable *xids;                /* NULL: error codes of GPUs mean nothing */
    int64_t host_memory, host_available; /* -1: not known */
    double now;
    ScheduleGpu gpus[POOL_GPUS]; /* [gpu_count] in the rule's order */
    int gpu_count;
    ScheduleJob **jobs; /* [job_count] live ones in ascending order of their number */
    int64_t job_count, job_capacity;
    ScheduleJob **order; /* [job_count] the same by order_jobs(); valid while `ordered` */
    int64_t order_capacity;
    bool ordered;
    Turn *turns;
    int64_t turn_count, turn_capacity;
    bool filler_off;
    bool paused;
    char paused_why[POOL_REASON];
    JobEnd early_end; /* of early failures on different GPUs without a job that worked between */
    int64_t early_jobs[3];
    int early_gpus[3], early_count;
    bool was_dry;
    Effect *effects;
    int64_t effect_count, effect_capacity;
    bool in_transaction;
    int observed;    /* index of the GPU that the event is about alone; -1: it may be about all */
    bool stale;      /* the database refused an event: memory is read from it again before the next one */
    double alive_at; /* when the fact "seen" was last written */
};

#endif
