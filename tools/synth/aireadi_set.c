/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/aireadi_set.h"
#include "base/files.h"
#include <stdlib.h>
#include <string.h>

const Photograph *set_person(const Set *set, int64_t person) {
    const int64_t at = person * 2 * set->arguments->visits;
    return at < set->count ? &set->photographs[at] : NULL;
}

/* Ends a table and writes it below OUT. */
static Status save(const Set *set, const char *name, FILE *out, char **text, size_t *size) {
    Status status = fclose(out) ? status_no_memory(name, *size) : NULL;
    char *path = NULL, *folder = NULL;
    if (!status)
        status = files_path(&path, "%s/%s", set->arguments->out, name);
    if (!status)
        status = files_path(&folder, "%s", path);
    if (!status) {
        *strrchr(folder, '/') = '\0';
        status = files_make_directory(folder);
    }
    if (!status)
        status = files_write(path, *text, *size);
    free(folder);
    free(path);
    free(*text);
    return status;
}

Status set_write(const Set *set, const char *name, SetFill fill) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory(name, 0);
    fill(set, out);
    return save(set, name, out, &text, &size);
}
