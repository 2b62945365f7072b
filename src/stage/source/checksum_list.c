/* SPDX-License-Identifier: Apache-2.0 */
/* What the download's list of MD5 sums says of the photographs, which are checked when they are read, and of the
 * tables, which are checked here: a table cut between two rows is one without these people. */
#include "base/digest.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/text.h"
#include "stage/checksums/md5_list.h"
#include "stage/source/source_builder.h"

#include <stdlib.h>
#include <string.h>

static Status check_table(const Maker *maker, const Md5File *table) {
    char *path, text[2 * DIGEST_MD5 + 1];
    TRY(files_path(&path, "%s/%s", maker->source->root, table->path));
    Digest digest;
    Status status = NULL;
    if (*table->md5 && !files_exists(path)) {
        status = status_error(EXIT_DATA, "%s: is in %s, but not there: fetch it again", path, maker->options->md5);
    } else if (*table->md5) {
        status = digest_file(path, &digest);
        if (!status)
            digest_to_hex(digest.md5, DIGEST_MD5, text);
        if (!status && strcmp(text, table->md5) != 0)
            status = status_error(EXIT_DATA,
                                  "%s: its MD5 is %s, but %s by %s: fetch it again, or take it out of the list if "
                                  "you have changed it",
                                  path, text, table->md5, maker->options->md5);
    }
    free(path);
    return status;
}

/* What has no sum is told of, since it cannot be held against anything. */
static Status tell(Maker *maker) {
    const char *path = maker->options->md5;
    const StageSource *source = maker->source;
    const StageInput *first = NULL;
    int64_t given = 0, without = 0;
    for (int64_t i = source->count; i--;) {
        const StageInput *input = &source->inputs[i];
        given += *input->md5 != '\0';
        if (*input->md5 || maker_settled(input))
            continue;
        first = input;
        without++;
    }
    fprintf(maker->notes, "MD5 sums: %lld of %lld files have one in %s.\n", (long long)given, (long long)source->count,
            path_name(path));
    if (!first)
        return NULL;
    char *line;
    Status status = text_format(&line, "%s has no sum of %lld files, such as %s: they are not checked", path,
                                (long long)without, first->path);
    if (!status)
        status = maker_tell(maker, line);
    free(line);
    return status;
}

Status maker_take_sums(Maker *maker) {
    const StageSource *source = maker->source;
    int64_t tables = 0, count = 0;
    while (maker->tables && maker->tables[tables])
        tables++;
    if (!maker->options->md5)
        return NULL;
    Md5File *files = calloc((size_t)(source->count + tables) + 1, sizeof *files);
    char(*sums)[MD5_TEXT] = calloc((size_t)tables + 1, sizeof *sums);
    Status status = files && sums ? NULL : status_no_memory("the list of sums", 0);
    for (; !status && count < source->count; count++)
        files[count] = (Md5File){source->inputs[count].path, source->inputs[count].md5, false};
    for (int64_t i = 0; !status && i < tables; i++)
        files[count++] = (Md5File){maker->tables[i], sums[i], true};
    if (!status)
        status = md5_list_read(maker->options->md5, files, count);
    for (int64_t i = source->count; !status && i < count; i++)
        status = check_table(maker, &files[i]);
    free(files);
    free(sums);
    return status ? status : tell(maker);
}
