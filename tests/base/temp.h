/* A directory of a test's own under $TMPDIR or /tmp, and paths in it. */
#ifndef FOVEA_TESTS_BASE_TEMP_H
#define FOVEA_TESTS_BASE_TEMP_H

#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEMP_PATH = 256 };

typedef struct {
    char root[TEMP_PATH];
} Temp;

/* Group setup and teardown of cmocka: *state is the Temp. */
static inline int temp_open(void **state) {
    Temp *temp = calloc(1, sizeof *temp);
    const char *base = getenv("TMPDIR");
    if (!temp)
        return -1;
    snprintf(temp->root, sizeof temp->root, "%s/fovea-test-XXXXXX", base && *base ? base : "/tmp");
    *state = temp;
    return mkdtemp(temp->root) ? 0 : -1;
}

static inline int temp_close(void **state) {
    Temp *temp = *state;
    Status status = files_remove(temp->root);
    int failed = status != NULL;
    status_free(status);
    free(temp);
    return failed ? -1 : 0;
}

/* `name` within the directory, in one of a few buffers of the caller's. */
static inline const char *temp_path(void **state, const char *name, char path[TEMP_PATH * 2]) {
    snprintf(path, TEMP_PATH * 2, "%s/%s", ((Temp *)*state)->root, name);
    return path;
}

#endif
