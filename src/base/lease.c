/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lease.h"
#include "base/files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the file consists of `epoch` and at most a line feed. */
static bool names_epoch(const char *path, const char *epoch, char why[256]) {
    char *text;
    size_t size;
    Status failure = files_read(path, &text, &size);
    if (failure) {
        snprintf(why, 256, "%s", status_message(failure));
        status_free(failure);
        return false;
    }
    const size_t length = strlen(epoch);
    const bool same = strncmp(text, epoch, length) == 0 && (!text[length] || strcmp(text + length, "\n") == 0);
    snprintf(why, 256, "%s names another lease than %s", path, epoch);
    free(text);
    return same;
}

Status lease_check(void) {
    const char *lease = getenv("FOVEA_LEASE");
    if (!lease)
        return NULL;
    const char *colon = strrchr(lease, ':'), *epoch = colon ? colon + 1 : "";
    if (!colon || colon == lease || !*epoch || epoch[strspn(epoch, "0123456789")])
        return status_error(EXIT_USAGE, "FOVEA_LEASE=%s: not FILE:NUMBER; unset it outside a pool", lease);
    char *path, why[256];
    TRY(files_path(&path, "%.*s", (int)(colon - lease), lease));
    const bool valid = names_epoch(path, epoch, why);
    free(path);
    if (valid)
        return NULL;
    return status_error(EXIT_REFUSED,
                        "%s: the pool took the GPU away from this job, which writes no checkpoint any more", why);
}
