/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_lock.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

bool file_lock(int descriptor, const char *path, FILE *warnings) {
    int result;
    do
        result = flock(descriptor, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return false;
    /* NFS without lockd answers ENOLCK, Lustre ENOSYS, FUSE and SMB one of half a dozen others. */
    fprintf(warnings,
            "warning: %s cannot be locked, because its file system has no locks (%s): make sure that no other program "
            "writes there at the same time\n",
            path, strerror(errno));
    return true;
}

void file_lock_wait(int descriptor) {
    while (flock(descriptor, LOCK_EX) != 0 && errno == EINTR)
        ;
}
