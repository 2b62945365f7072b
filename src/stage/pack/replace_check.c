/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/replace_check.h"

#include "pack/pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_path(const void *path, const void *input) {
    return strcmp(path, ((const StageInput *)input)->path);
}

static Status check(const Pack *pack, const StageSource *source) {
    const char *lost = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < pack->count; i++) {
        const char *path = pack->rows[i].source;
        if (source->count && bsearch(path, source->inputs, (size_t)source->count, sizeof *source->inputs, by_path))
            continue;
        lost = lost ? lost : path;
        count++;
    }
    if (!count)
        return NULL;
    return status_error(EXIT_DATA,
                        "%s holds %" PRId64 " records, %" PRId64
                        " of whose files are not below %s now, such as %s: nothing was changed; is it another "
                        "download? Name another folder, restore the files, or remove the pack first (./stage forget "
                        "%s --delete)",
                        pack->directory, pack->count, count, source->root, lost, pack->directory);
}

Status keep_check(const char *directory, const StageSource *source) {
    Pack pack;
    Status status = pack_open(directory, &pack);
    if (status) {
        if (status_code(status) != EXIT_DATA)
            return status;
        status_free(status); /* damaged or unfinished: staging mends it */
        return NULL;
    }
    status = check(&pack, source);
    pack_close(&pack);
    return status;
}
