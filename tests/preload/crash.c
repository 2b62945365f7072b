/* SPDX-License-Identifier: Apache-2.0 */
/* Kills the program it is preloaded into inside a chosen call on a file, as kill -9 at that moment would.
 *
 *   FOVEA_CRASH_UNDER=DIR      count calls on files under DIR (absolute, without links)
 *   FOVEA_CRASH_AT=KIND:N      SIGKILL in the N-th call of KIND: write (part of the bytes is written), pwrite (also
 *                              copy_file_range), fsync,
 *                              fdatasync, rename, symlink, unlink, mkdir; KIND-after: when the call is done;
 *                              step: before the N-th write to a metrics.jsonl, that is between two steps;
 *                              event: in the N-th write to a file of TensorBoard's events
 *   FOVEA_CRASH_SEED=S         decides how many bytes of a write get through
 *   FOVEA_CRASH_LOG=FILE       gets the line "KIND N PATH" when it fires
 *   FOVEA_CRASH_TRACE=FILE     gets a line "KIND PATH FROM" for each call as it begins; FROM: a renamed file's former
 * name FOVEA_CRASH_COUNT=FILE     gets a line "KIND CALLS" for each kind when the program ends by itself */
#include "tests/preload/paths.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

typedef enum { WRITE, PWRITE, FSYNC, FDATASYNC, RENAME, SYMLINK, UNLINK, MKDIR, STEP, EVENT, KINDS } Kind;

static const char *const kind_names[KINDS] = {"write",   "pwrite", "fsync", "fdatasync", "rename",
                                              "symlink", "unlink", "mkdir", "step",      "event"};

/* Filled before main() and constant then, except the counters. */
static struct {
    const char *under, *traced;
    Kind kind;
    bool armed, after;
    long at;
    uint64_t seed;
    atomic_long calls[KINDS];
} crash;

static void append_line(const char *file, const char *text, int flags) {
    int descriptor = file ? open(file, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666) : -1;
    if (descriptor < 0)
        return;
    (void)!syscall(SYS_write, descriptor, text, strlen(text));
    close(descriptor);
}

__attribute__((constructor)) static void begin(void) {
    crash.under = getenv("FOVEA_CRASH_UNDER");
    crash.traced = getenv("FOVEA_CRASH_TRACE");
    const char *at = getenv("FOVEA_CRASH_AT"), *seed = getenv("FOVEA_CRASH_SEED");
    crash.seed = seed ? strtoull(seed, NULL, 10) : 1;
    if (!at)
        return;
    char name[32];
    if (sscanf(at, "%31[a-z-]:%ld", name, &crash.at) != 2)
        name[0] = '\0';
    char *after = strstr(name, "-after");
    crash.after = after != NULL;
    if (after)
        *after = '\0';
    for (Kind kind = 0; kind < KINDS; kind++)
        if (strcmp(name, kind_names[kind]) == 0) {
            crash.kind = kind;
            crash.armed = true;
        }
    if (!crash.armed || !crash.under) {
        append_line("/dev/stderr", "crash.so: FOVEA_CRASH_AT or FOVEA_CRASH_UNDER is missing or wrong\n", O_APPEND);
        _exit(70);
    }
}

__attribute__((destructor)) static void end(void) {
    char text[512] = "";
    for (Kind kind = 0; kind < KINDS; kind++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %ld\n", kind_names[kind],
                 atomic_load(&crash.calls[kind]));
    append_line(getenv("FOVEA_CRASH_COUNT"), text, O_TRUNC);
}

static void trace(Kind kind, const char *path, const char *from) {
    char text[2 * PATH_MAX + 64];
    if (!crash.traced)
        return;
    snprintf(text, sizeof text, "%s %s %s\n", kind_names[kind], path, from);
    append_line(crash.traced, text, O_APPEND);
}

/* Counts a call; true when it is the one to die in. `from` is a renamed file's former name. */
static bool is_the_one(Kind kind, const char *path, const char *from, long *number) {
    if (!crash.under || !lies_under(path, crash.under))
        return false;
    trace(kind, path, from);
    *number = 1 + atomic_fetch_add(&crash.calls[kind], 1);
    return crash.armed && kind == crash.kind && *number == crash.at;
}

static void log_call(Kind kind, long number, const char *path) {
    char text[PATH_MAX + 64];
    snprintf(text, sizeof text, "%s%s %ld %s\n", kind_names[kind], crash.after ? "-after" : "", number, path);
    append_line(getenv("FOVEA_CRASH_LOG"), text, O_APPEND);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* The next definition of a function, which this file overrides. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call that is done whole or not at all: dies before or after it. */
#define WHOLE(kind, path, from, call)                                                                                  \
    do {                                                                                                               \
        long number_;                                                                                                  \
        if (!is_the_one(kind, path, from, &number_))                                                                   \
            return call;                                                                                               \
        if (crash.after)                                                                                               \
            (void)!call;                                                                                               \
        log_call(kind, number_, path);                                                                                 \
        die();                                                                                                         \
        return -1;                                                                                                     \
    } while (0)

/* How much of the N-th write gets through: 0 to all but one byte. */
static size_t part_of(size_t size, long number) {
    uint64_t x = crash.seed * 0x9e3779b97f4a7c15u + (uint64_t)number;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return size ? (size_t)((x ^ x >> 31) % size) : 0;
}

ssize_t write(int descriptor, const void *data, size_t size) {
    char path[PATH_MAX];
    long number;
    path_of_descriptor(descriptor, path);
    const char *name = strrchr(path, '/');
    if (name && strcmp(name, "/metrics.jsonl") == 0 && is_the_one(STEP, path, "", &number)) {
        log_call(STEP, number, path);
        die();
    }
    if (name && strncmp(name, "/events.out.", 12) == 0 && is_the_one(EVENT, path, "", &number)) {
        (void)!REAL(write)(descriptor, data, crash.after ? size : part_of(size, number));
        log_call(EVENT, number, path);
        die();
    }
    if (is_the_one(WRITE, path, "", &number)) {
        (void)!REAL(write)(descriptor, data, crash.after ? size : part_of(size, number));
        log_call(WRITE, number, path);
        die();
    }
    return REAL(write)(descriptor, data, size);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    char path[PATH_MAX];
    long number;
    path_of_descriptor(descriptor, path);
    if (is_the_one(PWRITE, path, "", &number)) {
        (void)!REAL(pwrite)(descriptor, data, crash.after ? size : part_of(size, number), offset);
        log_call(PWRITE, number, path);
        die();
    }
    return REAL(pwrite)(descriptor, data, size, offset);
}

ssize_t copy_file_range(int from, off64_t *read_at, int to, off64_t *write_at, size_t size, unsigned flags) {
    char path[PATH_MAX];
    long number;
    path_of_descriptor(to, path);
    if (is_the_one(PWRITE, path, "", &number)) {
        (void)!REAL(copy_file_range)(from, read_at, to, write_at, crash.after ? size : part_of(size, number), flags);
        log_call(PWRITE, number, path);
        die();
    }
    return REAL(copy_file_range)(from, read_at, to, write_at, size, flags);
}

int fsync(int descriptor) {
    char path[PATH_MAX];
    path_of_descriptor(descriptor, path);
    WHOLE(FSYNC, path, "", REAL(fsync)(descriptor));
}

int fdatasync(int descriptor) {
    char path[PATH_MAX];
    path_of_descriptor(descriptor, path);
    WHOLE(FDATASYNC, path, "", REAL(fdatasync)(descriptor));
}

int rename(const char *from, const char *to) {
    char path[PATH_MAX], former[PATH_MAX];
    path_of_name(AT_FDCWD, to, path);
    path_of_name(AT_FDCWD, from, former);
    WHOLE(RENAME, path, former, REAL(rename)(from, to));
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    char path[PATH_MAX], former[PATH_MAX];
    path_of_name(to_directory, to, path);
    path_of_name(from_directory, from, former);
    WHOLE(RENAME, path, former, REAL(renameat)(from_directory, from, to_directory, to));
}

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    char path[PATH_MAX], former[PATH_MAX];
    path_of_name(to_directory, to, path);
    path_of_name(from_directory, from, former);
    WHOLE(RENAME, path, former, REAL(renameat2)(from_directory, from, to_directory, to, flags));
}

int symlink(const char *target, const char *name) {
    char path[PATH_MAX];
    path_of_name(AT_FDCWD, name, path);
    WHOLE(SYMLINK, path, "", REAL(symlink)(target, name));
}

int symlinkat(const char *target, int directory, const char *name) {
    char path[PATH_MAX];
    path_of_name(directory, name, path);
    WHOLE(SYMLINK, path, "", REAL(symlinkat)(target, directory, name));
}

int unlink(const char *name) {
    char path[PATH_MAX];
    path_of_name(AT_FDCWD, name, path);
    WHOLE(UNLINK, path, "", REAL(unlink)(name));
}

int unlinkat(int directory, const char *name, int flags) {
    char path[PATH_MAX];
    path_of_name(directory, name, path);
    WHOLE(UNLINK, path, "", REAL(unlinkat)(directory, name, flags));
}

int rmdir(const char *name) {
    char path[PATH_MAX];
    path_of_name(AT_FDCWD, name, path);
    WHOLE(UNLINK, path, "", REAL(rmdir)(name));
}

int remove(const char *name) {
    char path[PATH_MAX];
    path_of_name(AT_FDCWD, name, path);
    WHOLE(UNLINK, path, "", REAL(remove)(name));
}

int mkdir(const char *name, mode_t mode) {
    char path[PATH_MAX];
    path_of_name(AT_FDCWD, name, path);
    WHOLE(MKDIR, path, "", REAL(mkdir)(name, mode));
}

int mkdirat(int directory, const char *name, mode_t mode) {
    char path[PATH_MAX];
    path_of_name(directory, name, path);
    WHOLE(MKDIR, path, "", REAL(mkdirat)(directory, name, mode));
}
