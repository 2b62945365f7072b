/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/peer.h"
#include "base/files.h"
#include "base/list.h"
#include "pool/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

Status peer_open(int socket, Peer **peer) {
    struct ucred who;
    socklen_t size = sizeof who;
    *peer = calloc(1, sizeof **peer);
    if (!*peer || getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size)) {
        const int cause = errno;
        close(socket);
        Status status = *peer ? files_failure("ask for the user of", "a connection", cause)
                              : status_no_memory("a connection", sizeof **peer);
        free(*peer);
        return status;
    }
    **peer = (Peer){.socket = socket, .pid = who.pid, .uid = who.uid, .stdio = {-1, -1, -1}};
    process_user(who.uid, (*peer)->user);
    return NULL;
}

static void free_line(PeerLine *line) {
    if (line->descriptor >= 0)
        close(line->descriptor);
    free(line->text);
    free(line);
}

void peer_close(Peer *peer) {
    for (PeerLine *line = peer->first, *next; line; line = next) {
        next = line->next;
        free_line(line);
    }
    for (int i = 0; i < peer->count; i++)
        close(peer->descriptors[i]);
    peer_drop_stdio(peer);
    close(peer->socket);
    free(peer->data);
    free(peer->jobs);
    free(peer);
}

/* --- What comes --------------------------------------------------------------------------------------------------- */

static bool grow_data(Peer *peer) {
    if (peer->size + WIRE_PIECE <= peer->capacity)
        return true;
    const size_t capacity = 2 * peer->capacity + WIRE_PIECE;
    char *data = realloc(peer->data, capacity);
    if (!data)
        return false;
    peer->data = data;
    peer->capacity = capacity;
    return true;
}

static void refuse_and_close(Peer *peer, Status status) {
    peer_refuse(peer, status);
    peer->closing = true;
    peer->size = 0;
}

void peer_receive(Peer *peer, size_t most) {
    while (!peer->gone && !peer->closing) {
        if (!grow_data(peer)) {
            refuse_and_close(peer, status_no_memory("a request", peer->size));
            return;
        }
        const ssize_t got =
            wire_receive(peer->socket, peer->data + peer->size, WIRE_PIECE, peer->descriptors, &peer->count);
        if (got < 0 && errno == EAGAIN)
            return;
        peer->gone = got <= 0;
        peer->size += got > 0 ? (size_t)got : 0;
        if (peer->size > most)
            refuse_and_close(peer, status_error(EXIT_USAGE, "a request may have %zu bytes at most", most));
        if (got < WIRE_PIECE)
            return;
    }
}

char *peer_take_line(Peer *peer) {
    char *end = peer->size ? memchr(peer->data, '\n', peer->size) : NULL;
    if (!end)
        return NULL;
    const size_t length = (size_t)(end - peer->data) + 1;
    char *line = malloc(length);
    if (!line) {
        refuse_and_close(peer, status_no_memory("a request", length));
        return NULL;
    }
    memcpy(line, peer->data, length - 1);
    line[length - 1] = '\0';
    peer->size -= length;
    memmove(peer->data, peer->data + length, peer->size);
    return line;
}

/* --- What goes ---------------------------------------------------------------------------------------------------- */

void peer_send(Peer *peer) {
    while (peer->first && !peer->gone) {
        PeerLine *line = peer->first;
        const bool carries = line->descriptor >= 0 && line->sent == 0;
        const ssize_t sent =
            wire_send(peer->socket, line->text + line->sent, line->size - line->sent, &line->descriptor, carries);
        if (sent < 0) {
            peer->gone = errno != EAGAIN;
            return;
        }
        line->sent += (size_t)sent;
        peer->unread -= (size_t)sent;
        if (line->sent < line->size)
            return;
        peer->first = line->next;
        free_line(line);
    }
    if (!peer->first)
        peer->last = NULL;
}

/* Takes over text and descriptor. */
static void queue_line(Peer *peer, char *text, size_t size, int descriptor) {
    PeerLine *line = calloc(1, sizeof *line);
    if (!line || peer->unread + size > PEER_UNREAD) {
        if (descriptor >= 0)
            close(descriptor);
        free(line);
        free(text);
        peer->gone = true;
        return;
    }
    *line = (PeerLine){.text = text, .size = size, .descriptor = descriptor};
    if (peer->last)
        peer->last->next = line;
    else
        peer->first = line;
    peer->last = line;
    peer->unread += size;
}

/* Ends the line that `json` writes, and queues it. */
static void queue_json(Peer *peer, Json *json, int descriptor) {
    char *text;
    size_t size;
    json_end(json);
    json_newline(json);
    Status status = json_close(json, "an answer", &text, &size);
    if (status) {
        status_free(status);
        if (descriptor >= 0)
            close(descriptor);
        peer->gone = true;
        return;
    }
    queue_line(peer, text, size, descriptor);
}

/* A file in memory with a text; -1 with errno. */
static int keep_in_file(const char *text, size_t size) {
    const int descriptor = memfd_create("answer", MFD_CLOEXEC);
    if (descriptor < 0)
        return -1;
    Status status = files_write_all(descriptor, "an answer", text, size);
    if (!status)
        return descriptor;
    status_free(status);
    close(descriptor);
    return -1;
}

void peer_answer(Peer *peer, const char *text, size_t size, int descriptor) {
    const bool in_file = size > PEER_ANSWER && descriptor < 0;
    if (in_file && (descriptor = keep_in_file(text, size)) < 0) {
        peer_refuse(peer, status_no_memory("an answer", size));
        return;
    }
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_integer(&json, "exit", EXIT_OK);
    if (in_file)
        json_bool(&json, "file", true);
    else
        json_verbatim(&json, "answer", text);
    queue_json(peer, &json, descriptor);
}

void peer_refuse(Peer *peer, Status status) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_integer(&json, "exit", status_code(status));
    json_string(&json, "error", status_message(status));
    queue_json(peer, &json, -1);
    status_free(status);
}

void peer_begin_event(Json *json, const char *event, int64_t job) {
    json_open(json, NULL);
    json_object(json, NULL, JSON_COMPACT);
    json_string(json, "event", event);
    json_integer(json, "job", job);
}

void peer_end_event(Peer *peer, Json *json) {
    queue_json(peer, json, -1);
}

void peer_tell_text(Peer *peer, int64_t job, const char *event, const char *text) {
    Json json;
    peer_begin_event(&json, event, job);
    json_string(&json, "text", text);
    peer_end_event(peer, &json);
}

void peer_tell_end(Peer *peer) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_bool(&json, "end", true);
    queue_json(peer, &json, -1);
}

/* --- Jobs --------------------------------------------------------------------------------------------------------- */

Status peer_wait_for(Peer *peer, int64_t job) {
    TRY(list_grow(&peer->jobs, peer->job_count, &peer->job_capacity, sizeof *peer->jobs, "a client's jobs"));
    peer->jobs[peer->job_count++] = (PeerJob){.job = job};
    return NULL;
}

void peer_drop_stdio(Peer *peer) {
    for (int i = 0; i < 3; i++) {
        if (peer->stdio[i] >= 0)
            close(peer->stdio[i]);
        peer->stdio[i] = -1;
    }
}
