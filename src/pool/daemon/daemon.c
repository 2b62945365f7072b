/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/daemon.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/host_memory.h"
#include "base/list.h"
#include "base/numa.h"
#include "pool/daemon/calls/peers.h"
#include "pool/daemon/node/observe.h"
#include "pool/daemon/node/runs.h"
#include "pool/daemon/node/upkeep.h"
#include "pool/daemon/parts/state_folder.h"
#include "pool/keeper/cores.h"
#include "pool/process.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Seconds: the longest sleep; between looks at the programs of `notify`; the shortest sleep for what the schedule
 * plans, so that a plan that is never done costs little. */
#define LONGEST_SLEEP 60.0
#define NOTICES_EVERY 0.1
#define SHORTEST_SLEEP 0.01

typedef struct {
    struct pollfd *list;
    int64_t count, capacity;
} Polls;

/* --- Start -------------------------------------------------------------------------------------------------------- */

/* Clients and keepers each take a descriptor. */
static void raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)!setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static Status catch_signals(Daemon *daemon) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    daemon->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signals < 0 ? status_error(EXIT_IO, "cannot wait for signals: %s", strerror(errno)) : NULL;
}

static Status open_store(Daemon *daemon) {
    char *path;
    double seen;
    TRY(files_path(&path, "%s/pool.db", daemon->state));
    Status status = store_open(&daemon->store, path);
    free(path);
    TRY(status);
    /* A database that is new, or a backup, does not contain the last jobs: their logs and ends are there. */
    TRY(store_skip_jobs(daemon->store, state_folder_last_job(daemon->state)));
    TRY(store_get_fact(daemon->store, "seen", &seen));
    host_clock_start(&daemon->clock, clock_now(), clock_date(), seen);
    return NULL;
}

/* The user of a daemon that serves one user alone is its admin. */
static void add_own_admin(Daemon *daemon) {
    Rule *rule = &daemon->rule;
    if (!daemon->root && rule->admin_count < POOL_LANES)
        process_user(daemon->uid, rule->admins[rule->admin_count++]);
}

static void share_cores(Daemon *daemon) {
    const char *pci[POOL_GPUS];
    cpu_set_t allowed;
    for (int i = 0; i < POOL_GPUS; i++)
        pci[i] = daemon->gpus[i].pci;
    numa_allowed(&allowed);
    cores_share("/sys", &allowed, pci, daemon->rule.gpu_count, daemon->shares);
}

/* The rule and the GPUs, as the reader of gauges finds them. */
static Status read_node(Daemon *daemon, const char *rule) {
    char *path = NULL;
    double seen; /* by a daemon before */
    TRY(store_get_fact(daemon->store, "seen", &seen));
    GaugeHello *hello = calloc(1, sizeof *hello);
    if (!hello)
        return status_no_memory("the rule", sizeof *hello);
    Status status = rule ? NULL : files_path(&path, "%s/rule.ini", daemon->state);
    if (!status)
        status = watcher_open(&daemon->watcher, rule ? rule : files_exists(path) ? path : "", !isnan(seen), hello);
    free(path);
    if (!status) {
        daemon->rule = hello->rule;
        memcpy(daemon->gpus, hello->gpus, sizeof daemon->gpus);
        memcpy(daemon->missing, hello->missing, sizeof daemon->missing);
    }
    free(hello);
    add_own_admin(daemon);
    share_cores(daemon);
    for (int i = 0; i < POOL_GPUS; i++) {
        daemon->uuids[i] = daemon->gpus[i].uuid;
        daemon->watches = daemon->watches || daemon->gpus[i].uuid[0];
    }
    if (!status && !daemon->watches)
        watcher_close(&daemon->watcher);
    return status;
}

/* Without the table its codes come without advice. */
static void read_xids(Daemon *daemon) {
    Status status = xid_table_open(NULL, &daemon->xids);
    if (status)
        fprintf(stderr, "pool: %s\n", status_message(status));
    status_free(status);
}

static Status open_schedule(Daemon *daemon) {
    HostMemory host;
    const ScheduleHost calls = runs_host(daemon);
    host_memory_read(&host);
    TRY(schedule_open(&daemon->schedule, &daemon->rule, daemon->store, &calls, host.total, daemon_now(daemon)));
    schedule_use_xids(daemon->schedule, &daemon->xids);
    return runs_adopt(daemon);
}

static Status listen_to_clients(Daemon *daemon) {
    char *path;
    TRY(files_path(&path, "%s/socket", daemon->state));
    daemon->listener = wire_bind(daemon->state);
    Status status = daemon->listener < 0 ? files_failure("make", path, errno) : NULL;
    /* Everybody may ask a root daemon; what they may do is its rule's to say. */
    if (!status && chmod(path, daemon->root ? 0666 : 0600))
        status = files_failure("change the mode of", path, errno);
    free(path);
    return status;
}

static void greet(const Daemon *daemon) {
    int slots = 0;
    for (int i = 0; i < daemon->rule.gpu_count; i++)
        slots += daemon->rule.gpus[i].cpu;
    fprintf(stderr, "pool: serving %s with %d GPUs and %d slots, pid %ld%s%s\n", daemon->state,
            daemon->rule.gpu_count - slots, slots, (long)getpid(), daemon->missing[0] ? "; no gauges: " : "",
            daemon->missing);
    if (!daemon->root)
        fprintf(stderr, "pool: not root: serving one user alone, uid %ld\n", (long)daemon->uid);
}

static Status open_daemon(Daemon *daemon, const char *rule) {
    umask(077);
    raise_descriptors();
    TRY(state_folder_open(daemon->state, rule, daemon->root, &daemon->lock));
    TRY(catch_signals(daemon));
    TRY(open_store(daemon));
    TRY(read_node(daemon, rule));
    read_xids(daemon);
    TRY(open_schedule(daemon));
    TRY(listen_to_clients(daemon));
    if (chdir("/"))
        return files_failure("enter", "/", errno);
    greet(daemon);
    return NULL;
}

/* --- Loop --------------------------------------------------------------------------------------------------------- */

static Status add_poll(Polls *polls, int descriptor, short events) {
    TRY(list_grow(&polls->list, polls->count, &polls->capacity, sizeof *polls->list, "descriptors"));
    polls->list[polls->count++] = (struct pollfd){.fd = descriptor, .events = events};
    return NULL;
}

/* The listener and the clients first, in their order. */
static Status list_descriptors(const Daemon *daemon, Polls *polls) {
    polls->count = 0;
    TRY(add_poll(polls, daemon->listener, clock_now() < daemon->accept_after ? 0 : POLLIN));
    for (const Peer *peer = daemon->peers; peer; peer = peer->next)
        TRY(add_poll(polls, peer->socket, (short)((peer->closing ? 0 : POLLIN) | (peer->first ? POLLOUT : 0))));
    TRY(add_poll(polls, daemon->signals, POLLIN));
    TRY(add_poll(polls, daemon->watcher.output, POLLIN)); /* poll(2) ignores -1 */
    for (int64_t i = 0; i < daemon->run_count; i++)
        if (!daemon->runs[i].ended && !daemon->runs[i].stuck)
            TRY(add_poll(polls, daemon->runs[i].pidfd, POLLIN));
    return NULL;
}

/* Milliseconds until something is due that no descriptor reports. */
static int choose_sleep(Daemon *daemon) {
    const double now = clock_now();
    if (peers_pending(daemon))
        return 0;
    const double planned = fmax(schedule_next(daemon->schedule) - daemon_now(daemon), SHORTEST_SLEEP);
    double next = fmin(now + LONGEST_SLEEP, fmax(now + planned, daemon->retry));
    next = fmin(next, fmin(runs_next(daemon), observe_next(daemon)));
    next = fmin(next, upkeep_next(daemon));
    if (daemon->accept_after > now)
        next = fmin(next, daemon->accept_after);
    if (notices_busy(&daemon->notices))
        next = fmin(next, now + NOTICES_EVERY);
    return (int)ceil(1000 * fmax(next - now, 0));
}

static void serve_descriptors(Daemon *daemon, const Polls *polls) {
    int64_t at = 1;
    for (Peer *peer = daemon->peers; peer && at < polls->count; peer = peer->next, at++)
        peers_serve(daemon, peer, polls->list[at].revents & (POLLIN | POLLHUP | POLLERR));
    if (polls->list[0].revents)
        peers_accept(daemon); /* after the clients: it puts others before them */
    struct signalfd_siginfo signal;
    daemon->stops = read(daemon->signals, &signal, sizeof signal) == sizeof signal;
}

static Status serve_clients(Daemon *daemon) {
    Polls polls = {0};
    Status status = NULL;
    while (!daemon->stops && !status) {
        status = list_descriptors(daemon, &polls);
        if (status)
            break;
        if (poll(polls.list, (nfds_t)polls.count, choose_sleep(daemon)) < 0) {
            if (errno != EINTR)
                status = status_error(EXIT_INTERNAL, "cannot wait for clients: %s", strerror(errno));
            continue;
        }
        serve_descriptors(daemon, &polls);
        observe_work(daemon);
        upkeep_work(daemon);
        runs_work(daemon);
        if (clock_now() >= daemon->retry)
            daemon_check(daemon, schedule_tick(daemon->schedule, daemon_now(daemon)));
        runs_work(daemon);
        peers_work(daemon);
        notices_work(&daemon->notices, daemon->rule.notify);
    }
    free(polls.list);
    return status;
}

static void close_daemon(Daemon *daemon) {
    if (daemon->listener >= 0) {
        char *path;
        Status status = files_path(&path, "%s/socket", daemon->state);
        if (!status)
            unlink(path);
        status_free(status);
        free(path);
        close(daemon->listener);
    }
    if (daemon->schedule)
        status_free(upkeep_note_seen(daemon));
    peers_close(daemon);
    runs_close(daemon);
    notices_close(&daemon->notices);
    schedule_close(daemon->schedule);
    store_close(daemon->store);
    xid_table_close(&daemon->xids);
    watcher_close(&daemon->watcher);
    if (daemon->signals >= 0)
        close(daemon->signals);
    if (daemon->lock >= 0)
        close(daemon->lock);
}

Status daemon_run(const char *folder, const char *rule) {
    Daemon *daemon = calloc(1, sizeof *daemon);
    if (!daemon)
        return status_no_memory("the daemon", sizeof *daemon);
    *daemon = (Daemon){.state = folder,
                       .uid = geteuid(),
                       .root = geteuid() == 0,
                       .lock = -1,
                       .listener = -1,
                       .signals = -1,
                       .watcher = {.input = -1, .output = -1}};
    Status status = open_daemon(daemon, rule);
    if (!status)
        status = serve_clients(daemon);
    close_daemon(daemon);
    free(daemon);
    return status;
}
