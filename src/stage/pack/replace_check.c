/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/replace_check.h"

#include "pack/pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare_path(const void *path, const void *input) {
    return strcmp(path, ((const StageInput *)input)->path);
}

static Status check_records(const Pack *pack, const StageSource *source) {
    const char *lost = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < pack->count; i++) {
        const char *path = pack->rows[i].source;
        if (source->count && bsearch(path, source->inputs, (size_t)source->count, sizeof *source->inputs, compare_path))
            continue;
        lost = lost ? lost : path;
        count++;
    }
    if (!count)
        return NULL;
    return status_error(EXIT_DATA,
                        "%s has records of %" PRId64 " file%s missing below %s, such as %s: nothing was changed; is "
                        "it another download? Choose another folder, restore the files, or delete the pack first "
                        "(./stage forget %s --delete)",
                        pack->directory, count, count == 1 ? "" : "s", source->root, lost, pack->directory);
}

Status replace_check(const char *directory, const StageSource *source) {
    Pack pack;
    Status status = pack_open(directory, &pack);
    if (status) {
        if (status_code(status) != EXIT_DATA)
            return status;
        status_free(status); /* damaged or unfinished: staging repairs it */
        return NULL;
    }
    status = check_records(&pack, source);
    pack_close(&pack);
    return status;
}
