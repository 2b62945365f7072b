/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/checksum_list.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/paths.h"
#include "stage/checksums/md5_list.h"

#include <stdlib.h>
#include <string.h>

/* Photographs are checked when they are read, tables here: a table truncated between two rows would silently lack
 * people. */
static Status check_table(const char *list, const char *root, const Md5File *table) {
    char *path, text[2 * DIGEST_MD5 + 1];
    TRY(files_path(&path, "%s/%s", root, table->path));
    Digest digest;
    Status status = NULL;
    if (*table->md5 && !files_exists(path)) {
        status = status_error(EXIT_DATA, "%s: missing, but listed in %s: fetch it again", path, list);
    } else if (*table->md5) {
        status = digest_file(path, &digest);
        if (!status)
            digest_to_hex(digest.md5, DIGEST_MD5, text);
        if (!status && strcmp(text, table->md5) != 0)
            status =
                status_error(EXIT_DATA,
                             "%s: its MD5 is %s, but %s says %s: fetch it again, or remove it from the list if you "
                             "have changed it",
                             path, text, list, table->md5);
    }
    free(path);
    return status;
}

static Status warn_about_missing_sums(const char *list, StageSource *source, FILE *notes) {
    const StageInput *first = NULL;
    int64_t given = 0, without = 0;
    for (int64_t i = source->count; i--;) {
        const StageInput *input = &source->inputs[i];
        given += *input->md5 != '\0';
        if (*input->md5 || input_is_rejected(input))
            continue;
        first = input;
        without++;
    }
    fprintf(notes, "MD5 sums: %lld of %lld files have one in %s.\n", (long long)given, (long long)source->count,
            path_name(list));
    if (!first)
        return NULL;
    return source_warn(source, "%s has no sum for %lld file%s, such as %s: not checked", list, (long long)without,
                       without == 1 ? "" : "s", first->path);
}

Status checksum_list_apply(const char *list, const char *const *tables, StageSource *source, FILE *notes) {
    int64_t table_count = 0, count = 0;
    if (!list)
        return NULL;
    while (tables && tables[table_count])
        table_count++;
    Md5File *files = calloc((size_t)(source->count + table_count) + 1, sizeof *files);
    char(*sums)[MD5_TEXT] = calloc((size_t)table_count + 1, sizeof *sums);
    Status status = files && sums ? NULL : status_no_memory("the list of sums", 0);
    for (; !status && count < source->count; count++)
        files[count] = (Md5File){source->inputs[count].path, source->inputs[count].md5, false};
    for (int64_t i = 0; !status && i < table_count; i++)
        files[count++] = (Md5File){tables[i], sums[i], true};
    if (!status)
        status = md5_list_read(list, files, count);
    for (int64_t i = source->count; !status && i < count; i++)
        status = check_table(list, source->root, &files[i]);
    free(files);
    free(sums);
    return status ? status : warn_about_missing_sums(list, source, notes);
}
