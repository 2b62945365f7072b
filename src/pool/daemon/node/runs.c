/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/node/runs.h"
#include "base/clock.h"
#include "base/list.h"
#include "pool/keeper/cores.h"
#include "pool/keeper/keeper.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds between looks: for the first process of a job that was just started; at what a killed keeper left. */
#define LOOK_SOON 0.02
#define SWEEP_AGAIN 0.2

/* --- What the schedule wants ------------------------------------------------------------------------------------- */

static void add_order(Daemon *daemon, const Order *order) {
    Status status =
        list_grow(&daemon->orders, daemon->order_count, &daemon->order_capacity, sizeof *daemon->orders, "orders");
    if (daemon_check(daemon, status))
        daemon->orders[daemon->order_count++] = *order;
}

static void note_start(void *context, const Job *job, const Attempt *attempt) {
    add_order(context, &(Order){.kind = ORDER_START, .job = job->id, .number = attempt->number});
}

static void note_stop(void *context, const Job *job, const Attempt *attempt, int signal) {
    add_order(context, &(Order){.kind = ORDER_STOP, .job = job->id, .number = attempt->number, .signal = signal});
}

/* A foreground job also shows it at its terminal. */
static void tell_clients(Daemon *daemon, int64_t job, const char *text) {
    for (Peer *peer = daemon->peers; peer; peer = peer->next)
        if (peer->runs && peer->job_count > 0 && peer->jobs[0].job == job)
            peer_tell_text(peer, job, "notice", text);
}

static void notify(void *context, const char *event, const char *text, int64_t job, int gpu) {
    Daemon *daemon = context;
    fprintf(stderr, "pool: %s: %s\n", event, text);
    if (job > 0 && strcmp(event, "failed") != 0)
        tell_clients(daemon, job, text);
    if (daemon->rule.notify[0])
        notices_add(&daemon->notices, &(Notice){.time = daemon_now(daemon),
                                                .node = daemon->rule.node,
                                                .event = event,
                                                .text = text,
                                                .job = job,
                                                .gpu = gpu});
}

ScheduleHost runs_host(Daemon *daemon) {
    return (ScheduleHost){.context = daemon, .start = note_start, .stop = note_stop, .notify = notify};
}

/* --- Starts ------------------------------------------------------------------------------------------------------- */

static Status add_run(Daemon *daemon, const Attempt *attempt, Run **run) {
    TRY(list_grow(&daemon->runs, daemon->run_count, &daemon->run_capacity, sizeof *daemon->runs, "attempts"));
    *run = &daemon->runs[daemon->run_count++];
    **run =
        (Run){.job = attempt->job, .number = attempt->number, .epoch = attempt->epoch, .pidfd = -1, .metrics_size = -1};
    return NULL;
}

/* An attempt that never ran ends with the failure's code: a full disk pauses the queue as a job's own would. */
static void fail_run(Run *run, int exit, int signal, const char *why) {
    run->ended = true;
    run->end = (JobEnd){.exit = exit, .signal = signal};
    snprintf(run->why, sizeof run->why, "%s", why);
}

static Peer *find_client(const Daemon *daemon, int64_t job) {
    for (Peer *peer = daemon->peers; peer; peer = peer->next)
        if (peer->runs && !peer->gone && peer->job_count > 0 && peer->jobs[0].job == job && peer->stdio[0] >= 0)
            return peer;
    return NULL;
}

/* "GPU-5d1b..,GPU-77.." of the attempt, and the GPUs' indices. */
static void name_gpus(const Daemon *daemon, const Attempt *attempt, char *uuids, size_t size, int *indices) {
    size_t used = 0;
    uuids[0] = '\0';
    for (int i = 0; i < attempt->gpu_count; i++) {
        indices[i] = rule_gpu(&daemon->rule, attempt->gpus[i]);
        const char *uuid = indices[i] >= 0 ? daemon->uuids[indices[i]] : "";
        if (*uuid && used < size)
            used += (size_t)snprintf(uuids + used, size - used, "%s%s", used ? "," : "", uuid);
    }
}

static Status start_keeper(Daemon *daemon, const Job *job, const Attempt *attempt, Peer *client, Run *run) {
    char uuids[POOL_GPUS * GAUGE_UUID];
    int indices[POOL_GPUS], cores[CPU_SETSIZE];
    name_gpus(daemon, attempt, uuids, sizeof uuids, indices);
    const bool again = attempt->number > 1 && (job->wants.resumable || job->micro_batch > 0);
    const KeeperStart start = {
        .state = daemon->state,
        .job = job,
        .attempt = attempt,
        .uuids = uuids,
        .cores = cores,
        .core_count = cores_list(daemon->shares, indices, attempt->gpu_count, cores),
        .stdio = client ? client->stdio : NULL,
        .terminal = client && client->terminal,
        .client = client ? client->pid : 0,
        .as_submitter = daemon->root,
        .resume = again,
        .micro_batch = job->halvings > 0 ? job->micro_batch >> job->halvings : 0,
        .grace = daemon->rule.grace,
    };
    return keeper_start(&start, &run->keeper, &run->pidfd);
}

static void do_start(Daemon *daemon, const Order *order) {
    const Attempt *attempt = schedule_attempt(daemon->schedule, order->job);
    if (!attempt || attempt->number != order->number)
        return;
    Run *run = NULL;
    if (!daemon_check(daemon, add_run(daemon, attempt, &run)))
        return;
    Job job;
    bool found = false;
    Status status = store_get_job(daemon->store, order->job, &job, &found);
    Peer *client = found && job.wants.foreground ? find_client(daemon, order->job) : NULL;
    if (!status && !found)
        status = status_error(EXIT_INTERNAL, "job %lld is not in the database", (long long)order->job);
    if (!status && job.wants.foreground && !client)
        fail_run(run, -1, SIGHUP, "its client went away");
    else if (!status)
        status = start_keeper(daemon, &job, attempt, client, run);
    if (status)
        fail_run(run, status_code(status), 0, status_message(status));
    status_free(status);
    if (found)
        job_free(&job);
    if (client)
        peer_drop_stdio(client);
    run->next_look = clock_now() + LOOK_SOON;
}

static void do_orders(Daemon *daemon) {
    for (int64_t i = 0; i < daemon->order_count; i++) {
        const Order order = daemon->orders[i];
        if (order.kind == ORDER_START)
            do_start(daemon, &order);
        else
            daemon_check(daemon, keeper_signal(daemon->state, order.job, order.number, order.signal));
    }
    daemon->order_count = 0;
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static void remember_end(Run *run, const KeeperReport *report) {
    if (report->state == KEEPER_ENDED) {
        run->ended = true;
        run->end = report->end;
        memcpy(run->why, report->why, sizeof run->why);
    } else if (report->state == KEEPER_NOT_STARTED) {
        fail_run(run, EXIT_INTERNAL, 0, "its keeper ended before the job began");
    } else {
        run->swept = true;
    }
}

static void note_first_process(Daemon *daemon, Run *run, pid_t pid) {
    if (pid > 0 && !run->started)
        run->started = daemon_check(daemon, schedule_started(daemon->schedule, run->job, pid, daemon_now(daemon)));
}

/* Asks what became of an attempt: for the job's first process, or after its keeper ended. */
static void look_at_run(Daemon *daemon, Run *run, bool keeper_ended) {
    if (keeper_ended && run->keeper > 0)
        waitpid(run->keeper, NULL, WNOHANG);
    KeeperReport report;
    run->stuck = !daemon_check(daemon, keeper_look(daemon->state, run->job, run->number, &report));
    if (run->stuck)
        return;
    note_first_process(daemon, run, report.pid);
    if (report.state == KEEPER_RUNS) {
        close(report.pidfd);
        run->stuck = keeper_ended;
        return;
    }
    if (!keeper_ended && report.state != KEEPER_ENDED)
        return;
    if (run->pidfd >= 0)
        close(run->pidfd);
    run->pidfd = -1;
    remember_end(run, &report);
}

static void sweep_run(Daemon *daemon, Run *run) {
    int left = 0;
    if (!daemon_check(daemon, keeper_sweep(daemon->state, run->job, run->number, run->epoch, &left)) || left > 0)
        return;
    fail_run(run, -1, SIGKILL, "its keeper was killed");
}

static bool report_end(Daemon *daemon, Run *run) {
    return daemon_check(daemon, schedule_ended(daemon->schedule, run->job, run->end, run->why, daemon_now(daemon)));
}

/* Also of a keeper that an earlier daemon started, which is no child of this process. */
static bool keeper_has_ended(const Run *run) {
    struct pollfd keeper = {.fd = run->pidfd, .events = POLLIN};
    return run->pidfd >= 0 && poll(&keeper, 1, 0) > 0;
}

/* What is to be done about one attempt at the moment. */
static void work_on_run(Daemon *daemon, Run *run) {
    const bool due = clock_now() >= run->next_look;
    const bool gone = run->pidfd < 0 || keeper_has_ended(run);
    if (run->ended || (run->stuck && !due))
        return;
    if (run->swept && due) {
        sweep_run(daemon, run);
        run->next_look = clock_now() + SWEEP_AGAIN;
    } else if (!run->swept && (gone || (due && !run->started))) {
        look_at_run(daemon, run, gone);
        run->next_look = clock_now() + (run->stuck ? 1 : LOOK_SOON);
    }
}

void runs_work(Daemon *daemon) {
    do_orders(daemon);
    for (int64_t i = 0; i < daemon->run_count; i++)
        work_on_run(daemon, &daemon->runs[i]);
    /* Reports may start other jobs, whose orders are for the next round. */
    for (int64_t i = daemon->run_count - 1; i >= 0; i--)
        if (daemon->runs[i].ended && clock_now() >= daemon->retry && report_end(daemon, &daemon->runs[i]))
            daemon->runs[i] = daemon->runs[--daemon->run_count];
}

double runs_next(const Daemon *daemon) {
    double next = daemon->order_count > 0 ? 0 : INFINITY;
    for (int64_t i = 0; i < daemon->run_count; i++) {
        const Run *run = &daemon->runs[i];
        if (run->ended)
            next = fmin(next, daemon->retry);
        else if (!run->started || run->pidfd < 0 || run->stuck)
            next = fmin(next, run->next_look);
    }
    return next;
}

/* --- Ghosts ------------------------------------------------------------------------------------------------------- */

int64_t runs_owner(const Daemon *daemon, int64_t pid) {
    for (int64_t i = 0; i < daemon->run_count; i++) {
        const Run *run = &daemon->runs[i];
        bool owns = false;
        keeper_owns(daemon->state, run->job, run->number, run->epoch, &pid, 1, &owns);
        if (owns)
            return run->job;
    }
    return 0;
}

/* --- Restart ------------------------------------------------------------------------------------------------------ */

static Status adopt_attempt(Daemon *daemon, const Attempt *attempt) {
    KeeperReport report;
    const double now = daemon_now(daemon);
    TRY(keeper_look(daemon->state, attempt->job, attempt->number, &report));
    if (report.state == KEEPER_NOT_STARTED)
        return schedule_not_started(daemon->schedule, attempt->job, now);
    if (report.state == KEEPER_ENDED)
        return schedule_ended(daemon->schedule, attempt->job, report.end, report.why, now);
    Run *run;
    TRY(add_run(daemon, attempt, &run));
    run->pidfd = report.state == KEEPER_RUNS ? report.pidfd : -1;
    run->swept = report.state == KEEPER_KILLED;
    TRY(schedule_adopt(daemon->schedule, attempt->job, now));
    if (report.pid > 0 && attempt->pid == 0)
        TRY(schedule_started(daemon->schedule, attempt->job, report.pid, now));
    run->started = report.pid > 0;
    return NULL;
}

Status runs_adopt(Daemon *daemon) {
    Attempts attempts = {0};
    Status status = store_read_attempts(daemon->store, 0, true, &attempts);
    for (int64_t i = 0; i < attempts.count && !status; i++)
        status = adopt_attempt(daemon, &attempts.list[i]);
    free(attempts.list);
    return status;
}

void runs_close(Daemon *daemon) {
    for (int64_t i = 0; i < daemon->run_count; i++)
        if (daemon->runs[i].pidfd >= 0)
            close(daemon->runs[i].pidfd);
    free(daemon->runs);
    free(daemon->orders);
}
