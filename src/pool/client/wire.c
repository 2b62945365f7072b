/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/client/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The control part of a message, aligned as its header asks. */
typedef union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * WIRE_DESCRIPTORS)];
} Control;

/* FOLDER/socket by way of a descriptor of the folder, which is short. */
static int open_address(const char *folder, struct sockaddr_un *address) {
    const int descriptor = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/socket", descriptor);
    return descriptor;
}

/* Ends the opening of a socket: closes what is not needed and keeps the cause of a failure. */
static int finish_opening(int folder, int descriptor, int failed) {
    const int cause = errno;
    close(folder);
    if (failed && descriptor >= 0)
        close(descriptor);
    errno = cause;
    return failed ? -1 : descriptor;
}

int wire_bind(const char *folder) {
    struct sockaddr_un address;
    const int home = open_address(folder, &address);
    if (home < 0)
        return -1;
    unlink(address.sun_path);
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int failed = descriptor < 0 || bind(descriptor, (const struct sockaddr *)&address, sizeof address) ||
                       listen(descriptor, SOMAXCONN);
    return finish_opening(home, descriptor, failed);
}

int wire_connect(const char *folder) {
    struct sockaddr_un address;
    const int home = open_address(folder, &address);
    if (home < 0)
        return -1;
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int failed = descriptor < 0 || connect(descriptor, (const struct sockaddr *)&address, sizeof address);
    return finish_opening(home, descriptor, failed);
}

/* Takes over the descriptors of a message. */
static void take_descriptors(struct msghdr *message, int descriptors[WIRE_DESCRIPTORS], int *count) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t bytes = part->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int one;
            memcpy(&one, CMSG_DATA(part) + at, sizeof one);
            if (*count < WIRE_DESCRIPTORS)
                descriptors[(*count)++] = one;
            else
                close(one);
        }
    }
}

ssize_t wire_receive(int socket, void *data, size_t size, int descriptors[WIRE_DESCRIPTORS], int *count) {
    Control control;
    struct iovec piece = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        take_descriptors(&message, descriptors, count);
    return got;
}

ssize_t wire_send(int socket, const void *data, size_t size, const int *descriptors, int count) {
    Control control;
    memset(&control, 0, sizeof control);
    struct iovec piece = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (count > 0) {
        const size_t bytes = (size_t)count * sizeof *descriptors;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(bytes);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(&control.header), descriptors, bytes);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}
