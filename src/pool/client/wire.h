/* SPDX-License-Identifier: Apache-2.0 */
/* The socket between a pool's daemon and its clients: where it is, and bytes with descriptors. docs/pool-protocol.md
 * has what is said on it. */
#ifndef FOVEA_POOL_CLIENT_WIRE_H
#define FOVEA_POOL_CLIENT_WIRE_H

#include "base/status.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    WIRE_DESCRIPTORS = 4, /* most that one message carries */
    WIRE_PIECE = 65536    /* bytes that are read at once */
};

/* Opens a socket and binds it to FOLDER/socket, or connects to it; -1 with errno. A folder's path may be longer than an
 * address of a socket is. */
int wire_bind(const char *folder);
int wire_connect(const char *folder);

/* As recv(2) and send(2), with descriptors: at most WIRE_DESCRIPTORS are taken, what comes beyond is closed. */
ssize_t wire_receive(int socket, void *data, size_t size, int descriptors[WIRE_DESCRIPTORS], int *count);
ssize_t wire_send(int socket, const void *data, size_t size, const int *descriptors, int count);

#endif
