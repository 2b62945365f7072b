/* SPDX-License-Identifier: Apache-2.0 */
/* The writes of SQLite in this process, counted; the disk can be full, and the process can die within a write. Include
 * after cmocka.h. */
#ifndef FOVEA_TESTS_POOL_DISK_HOOK_H
#define FOVEA_TESTS_POOL_DISK_HOOK_H

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
    long writes; /* so far */
    long die_at; /* SIGKILL in that write, counted from 1; 0: never */
    int part;    /* of four: that much of it gets through before */
    bool full;   /* writes fail with ENOSPC */
} DiskHook;

static DiskHook disk_hook;

static inline ssize_t hooked_pwrite(int descriptor, const void *data, size_t size, off64_t offset) {
    if (disk_hook.full) {
        errno = ENOSPC;
        return -1;
    }
    if (++disk_hook.writes == disk_hook.die_at) {
        (void)!pwrite64(descriptor, data, size * (size_t)disk_hook.part / 4, offset);
        kill(getpid(), SIGKILL);
    }
    return pwrite64(descriptor, data, size, offset);
}

/* From now on. SQLite writes with the one or the other, by how it was built. */
static inline void disk_hook_set(void) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    assert_non_null(vfs);
    disk_hook = (DiskHook){0};
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)hooked_pwrite);
    (void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)hooked_pwrite);
}

static inline void disk_hook_unset(void) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    (void)vfs->xSetSystemCall(vfs, NULL, NULL);
}

#endif
