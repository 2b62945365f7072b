/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the disk slow or small for the program it is preloaded into.
 *
 *   FOVEA_DISK_UNDER=DIR          which files: those under DIR (absolute, without links)
 *   FOVEA_DISK_BPS=N              they share a disk that takes N bytes a second: write() sleeps until it is its turn
 *   FOVEA_DISK_FULL_AFTER=BYTES   the disk takes that many bytes, the last write only in part; then ENOSPC */
#include "tests/preload/paths.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* `taken` and `free_at` are guarded by the mutex, the rest is constant after begin(). */
static struct {
    const char *under;
    double bytes_per_second; /* 0: no limit */
    uint64_t room;           /* bytes; UINT64_MAX: no limit */
    uint64_t taken;
    double free_at; /* when the disk has written all it was given, seconds of the monotonic clock */
} disk = {.room = UINT64_MAX};

__attribute__((constructor)) static void begin(void) {
    const char *speed = getenv("FOVEA_DISK_BPS"), *room = getenv("FOVEA_DISK_FULL_AFTER");
    disk.under = getenv("FOVEA_DISK_UNDER");
    if (speed)
        disk.bytes_per_second = strtod(speed, NULL);
    if (room)
        disk.room = strtoull(room, NULL, 10);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void sleep_until(double moment) {
    struct timespec time = {.tv_sec = (time_t)moment};
    time.tv_nsec = (long)((moment - (double)time.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

/* How many of `size` bytes the disk takes; returns when it has taken them. */
static size_t admit(int descriptor, size_t size) {
    char path[PATH_MAX];
    if (!disk.under)
        return size;
    path_of_descriptor(descriptor, path);
    if (!lies_under(path, disk.under))
        return size;
    double until = 0;
    pthread_mutex_lock(&mutex);
    if (size > disk.room - disk.taken)
        size = (size_t)(disk.room - disk.taken);
    disk.taken += size;
    if (disk.bytes_per_second > 0) {
        double start = now();
        disk.free_at = (disk.free_at > start ? disk.free_at : start) + (double)size / disk.bytes_per_second;
        until = disk.free_at;
    }
    pthread_mutex_unlock(&mutex);
    if (until > 0)
        sleep_until(until);
    return size;
}

/* Bytes that were admitted and then not written. */
static void give_back(size_t size) {
    pthread_mutex_lock(&mutex);
    disk.taken -= size;
    pthread_mutex_unlock(&mutex);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *data, size_t size) {
    size_t admitted = admit(descriptor, size);
    if (size && !admitted) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(write)(descriptor, data, admitted);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    size_t admitted = admit(descriptor, size);
    if (size && !admitted) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(pwrite)(descriptor, data, admitted, offset);
}

ssize_t copy_file_range(int from, off64_t *read_at, int to, off64_t *write_at, size_t size, unsigned flags) {
    size_t admitted = admit(to, size);
    if (size && !admitted) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t copied = REAL(copy_file_range)(from, read_at, to, write_at, admitted, flags);
    if (copied < 0)
        give_back(admitted);
    return copied;
}
