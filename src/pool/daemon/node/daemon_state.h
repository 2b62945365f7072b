/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's files share. */
#ifndef FOVEA_POOL_DAEMON_NODE_DAEMON_STATE_H
#define FOVEA_POOL_DAEMON_NODE_DAEMON_STATE_H

#include "gauges/xid_table.h"
#include "pool/answer/answer_history.h"
#include "pool/daemon/parts/host_clock.h"
#include "pool/daemon/parts/notices.h"
#include "pool/daemon/parts/peer.h"
#include "pool/daemon/parts/watcher.h"
#include "pool/schedule/schedule.h"

#include <sched.h>

/* Something that the schedule wants done, which is done once its call has returned. */
typedef struct {
    enum { ORDER_START, ORDER_STOP } kind;
    int64_t job;
    int number, signal;
} Order;

/* An attempt whose keeper lives, or whose end is not in the database yet. */
typedef struct {
    int64_t job, epoch;
    int number;
    pid_t keeper;
    int pidfd;        /* of the keeper; -1: it has ended */
    bool started;     /* the schedule knows the job's first process */
    bool ended;       /* `end` and `why` are how; the schedule does not know yet */
    bool swept;       /* the keeper was killed: what is left is being removed */
    bool stuck;       /* what became of it could not be read: tried again at next_look */
    double next_look; /* clock_now() */
    JobEnd end;
    char why[POOL_REASON];
    int64_t metrics_size; /* of RUN_DIR/metrics.jsonl; -1: not seen yet */
    double metrics_time;
} Run;

typedef struct {
    const char *state; /* the folder, absolute */
    uid_t uid;
    bool root; /* jobs are started as their submitters */
    int lock, listener, signals;
    Rule rule;
    GaugeGpu gpus[POOL_GPUS]; /* of the rule's; no UUID: slots */
    const char *uuids[POOL_GPUS];
    cpu_set_t shares[POOL_GPUS]; /* of the cores */
    char missing[GAUGE_WHY];
    HostClock clock;
    Store *store;
    Schedule *schedule;
    Watcher watcher;
    bool watches; /* there is a GPU */
    AnswerHistory history;
    XidTable xids;
    Notices notices;
    Order *orders; /* [order_count] */
    int64_t order_count, order_capacity;
    Run *runs; /* [run_count] */
    int64_t run_count, run_capacity;
    Peer *peers;
    double accept_after;                                     /* clock_now() until which nobody is accepted */
    double next_upkeep, next_seen, next_memory, next_backup; /* clock_now() */
    double retry;                                            /* clock_now() until which the database is left alone */
    char failure[POOL_REASON];                               /* that was reported last */
    bool stops;
} Daemon;

/* The pool's time. */
double daemon_now(Daemon *daemon);
/* Reports a failure of the daemon's own, such as a full disk, once; frees the status. NULL ends the failure. Returns
 * whether there was none. */
bool daemon_check(Daemon *daemon, Status status);

#endif
