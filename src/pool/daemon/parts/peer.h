/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: what came and is no whole line yet, what it has not read yet, and the jobs that it waits
 * for. Nothing here blocks. */
#ifndef FOVEA_POOL_DAEMON_PARTS_PEER_H
#define FOVEA_POOL_DAEMON_PARTS_PEER_H

#include "base/json.h"
#include "pool/client/wire.h"
#include "pool/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PEER_ANSWER = 64 << 10, /* bytes of the longest answer that is sent as a line; longer ones are in a file */
    PEER_UNREAD = 1 << 20   /* bytes that may wait for a client to read them; with more it is dropped */
};

/* A job that the client waits for, and what was sent to it. */
typedef struct {
    int64_t job;
    int started; /* number of the attempt whose start was sent; 0: none */
    bool waiting, ended;
} PeerJob;

typedef struct PeerLine {
    struct PeerLine *next;
    char *text;
    size_t size, sent;
    int descriptor; /* that goes with it; -1 */
} PeerLine;

typedef struct Peer {
    struct Peer *next;
    int socket;
    pid_t pid;
    uid_t uid;
    char user[POOL_NAME];
    char *data; /* [size] bytes that came */
    size_t size, capacity;
    int descriptors[WIRE_DESCRIPTORS]; /* [count] that came with them */
    int count;
    PeerLine *first, *last;
    size_t unread; /* bytes of the lines */
    bool closing;  /* once all is sent */
    bool gone;
    PeerJob *jobs; /* [job_count] */
    int64_t job_count, job_capacity;
    bool runs;     /* the one job is `run`'s: it ends with its client */
    int stdio[3];  /* of that job until it starts; -1 */
    bool terminal; /* of stdio */
} Peer;

/* A connection that was accepted; closes `socket` on failure. */
Status peer_open(int socket, Peer **peer) MUST_USE;
void peer_close(Peer *peer);

/* Reads what is there. `most`: bytes that may be kept; a request that is longer is refused. */
void peer_receive(Peer *peer, size_t most);
/* The next whole line, which is the caller's to free; NULL: there is none. */
char *peer_take_line(Peer *peer);
/* Sends what the socket takes. */
void peer_send(Peer *peer);

/* Queues an answer, its JSON value in `text`; takes over `descriptor` (-1: none). */
void peer_answer(Peer *peer, const char *text, size_t size, int descriptor);
/* Queues a refusal. */
void peer_refuse(Peer *peer, Status status);
/* A line of an answer that goes on: begins the object {"event": EVENT, "job": JOB, to which the caller adds; ends and
 * queues it. */
void peer_begin_event(Json *json, const char *event, int64_t job);
void peer_end_event(Peer *peer, Json *json);
/* One with the member "text". */
void peer_tell_text(Peer *peer, int64_t job, const char *event, const char *text);
/* The last line. */
void peer_tell_end(Peer *peer);

/* Has the client wait for one more job. */
Status peer_wait_for(Peer *peer, int64_t job) MUST_USE;
/* Closes the descriptors of a job that is not started with them, or was. */
void peer_drop_stdio(Peer *peer);

#endif
