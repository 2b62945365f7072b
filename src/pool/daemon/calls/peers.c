/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/peers.h"
#include "base/clock.h"
#include "pool/daemon/calls/calls.h"
#include "pool/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINES_AT_ONCE = 8, /* of one client, before the others' turn */
    KEPT = 256 << 20,  /* bytes of unfinished requests; beyond, only short ones are taken */
    ACCEPT_AGAIN = 1,  /* seconds after a client could not be accepted */
};

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static int count_user(const Daemon *daemon, uid_t uid) {
    int count = 0;
    for (const Peer *peer = daemon->peers; peer; peer = peer->next)
        count += peer->uid == uid;
    return count;
}

void peers_accept(Daemon *daemon) {
    for (int i = 0; i < LINES_AT_ONCE; i++) {
        const int socket = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0 && errno != EAGAIN) /* such as no descriptor left: who waits stays in line */
            daemon->accept_after = clock_now() + ACCEPT_AGAIN;
        if (socket < 0)
            return;
        Peer *peer;
        Status status = peer_open(socket, &peer);
        if (status) {
            fprintf(stderr, "pool: a client is not served: %s\n", status_message(status));
            status_free(status);
            return;
        }
        const int others = count_user(daemon, peer->uid);
        peer->next = daemon->peers;
        daemon->peers = peer;
        if (others < PEERS_OF_USER)
            continue;
        peer_refuse(peer, status_error(EXIT_REFUSED, "%s has %d connections to this pool already", peer->user, others));
        peer->closing = true;
        peer_send(peer);
    }
}

static size_t count_kept(const Daemon *daemon) {
    size_t kept = 0;
    for (const Peer *peer = daemon->peers; peer; peer = peer->next)
        kept += peer->size;
    return kept;
}

void peers_serve(Daemon *daemon, Peer *peer, bool reads) {
    if (reads)
        peer_receive(peer, count_kept(daemon) > KEPT ? WIRE_PIECE : REQUEST_BYTES);
    for (int i = 0; i < LINES_AT_ONCE && !peer->gone && !peer->closing; i++) {
        char *line = peer_take_line(peer);
        if (!line)
            break;
        calls_serve(daemon, peer, line);
        free(line);
    }
    peer_send(peer);
}

bool peers_pending(const Daemon *daemon) {
    for (const Peer *peer = daemon->peers; peer; peer = peer->next)
        if (peer->size > 0 && memchr(peer->data, '\n', peer->size))
            return true;
    return false;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static void tell_waiting(Daemon *daemon, Peer *peer, PeerJob *wait, const Job *job) {
    WhyView why;
    schedule_why_job(daemon->schedule, job, daemon_now(daemon), &why);
    peer_tell_text(peer, job->id, "waiting", why.reason);
    wait->waiting = true;
}

static void tell_started(Peer *peer, PeerJob *wait, const Attempt *attempt) {
    Json json;
    peer_begin_event(&json, "started", attempt->job);
    json_integer(&json, "pid", attempt->pid);
    json_array(&json, "gpus", JSON_COMPACT);
    for (int i = 0; i < attempt->gpu_count; i++)
        json_integer(&json, NULL, attempt->gpus[i]);
    json_end(&json);
    peer_end_event(peer, &json);
    wait->started = attempt->number;
}

static void tell_ended(Daemon *daemon, Peer *peer, PeerJob *wait) {
    Job job;
    bool found;
    if (!daemon_check(daemon, store_get_job(daemon->store, wait->job, &job, &found)) || !found)
        return;
    /* Memory is ahead of a database that could not be written: the end is reported once it is stored. */
    if (job.state < JOB_DONE) {
        job_free(&job);
        return;
    }
    Json json;
    peer_begin_event(&json, "ended", job.id);
    json_string(&json, "state", job_state_name(job.state));
    job.end.exit < 0 ? json_null(&json, "exit") : json_integer(&json, "exit", job.end.exit);
    json_integer(&json, "signal", job.end.signal);
    json_string(&json, "reason", job.reason);
    peer_end_event(peer, &json);
    job_free(&job);
    wait->ended = true;
}

static void tell_of_job(Daemon *daemon, Peer *peer, PeerJob *wait) {
    const Job *job = schedule_find(daemon->schedule, wait->job);
    if (!job) {
        tell_ended(daemon, peer, wait);
        return;
    }
    const Attempt *attempt = schedule_attempt(daemon->schedule, wait->job);
    if (attempt && attempt->number != wait->started && attempt->pid > 0)
        tell_started(peer, wait, attempt);
    else if (!attempt && peer->runs && !wait->waiting)
        tell_waiting(daemon, peer, wait, job);
}

static void tell_peer(Daemon *daemon, Peer *peer) {
    bool ended = true;
    for (int64_t i = 0; i < peer->job_count && !peer->gone; i++) {
        if (!peer->jobs[i].ended)
            tell_of_job(daemon, peer, &peer->jobs[i]);
        ended = ended && peer->jobs[i].ended;
    }
    if (peer->job_count > 0 && ended) {
        peer_tell_end(peer);
        peer->job_count = 0;
        peer->runs = false;
    }
    peer_send(peer);
}

/* --- Farewells ---------------------------------------------------------------------------------------------------- */

/* A job of `run` that has not started leaves the queue with its client; one that runs is stopped by its keeper. */
static void leave_queue(Daemon *daemon, const Peer *peer) {
    if (!peer->runs || peer->job_count == 0)
        return;
    const int64_t number = peer->jobs[0].job;
    const Job *job = schedule_find(daemon->schedule, number);
    const Caller caller = {.uid = peer->uid, .user = peer->user};
    if (job && (job->state == JOB_WAITING || job->state == JOB_HELD))
        daemon_check(daemon, schedule_act(daemon->schedule, &caller, ACT_CANCEL, number, daemon_now(daemon)));
}

void peers_work(Daemon *daemon) {
    for (Peer **place = &daemon->peers; *place;) {
        Peer *peer = *place;
        if (!peer->gone && peer->job_count > 0)
            tell_peer(daemon, peer);
        if (!peer->gone && !(peer->closing && !peer->first)) {
            place = &peer->next;
            continue;
        }
        leave_queue(daemon, peer);
        *place = peer->next;
        peer_close(peer);
    }
}

void peers_close(Daemon *daemon) {
    while (daemon->peers) {
        Peer *peer = daemon->peers;
        daemon->peers = peer->next;
        peer_close(peer);
    }
}
