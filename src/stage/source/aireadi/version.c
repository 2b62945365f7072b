/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/version.h"

#include "base/files.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

/* *text is NULL when the file does not exist. */
static Status read_optional_file(const char *root, const char *name, char **text) {
    *text = NULL;
    char *path;
    TRY(files_path(&path, "%s/%s", root, name));
    size_t size;
    Status status = files_exists(path) ? files_read(path, text, &size) : NULL;
    free(path);
    return status;
}

static Status read_description(const char *root, char **version) {
    char *text;
    TRY(read_optional_file(root, "dataset_description.json", &text));
    if (!text)
        return NULL;
    cJSON *json = cJSON_Parse(text);
    free(text);
    if (!json)
        return status_error(EXIT_DATA, "%s/dataset_description.json: not JSON: damaged; fetch it again", root);
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "version"));
    Status status = NULL;
    if (value && *value)
        status = text_format(version, "%s", value);
    cJSON_Delete(json);
    return status;
}

static Status read_changelog(const char *root, char **version) {
    char *text;
    TRY(read_optional_file(root, "CHANGELOG.md", &text));
    int best[3] = {-1, -1, -1};
    const char *at = text, *end = text ? text + strlen(text) : NULL;
    for (TextLine line; text_next_line(&at, end, &line);) {
        int number[3];
        const char *digits = *line.start == '#' ? line.start + strcspn(line.start, "0123456789\n") : "";
        if (sscanf(digits, "%4d.%4d.%4d", &number[0], &number[1], &number[2]) != 3)
            continue;
        int i = 0;
        while (i < 2 && number[i] == best[i])
            i++;
        if (number[i] > best[i])
            memcpy(best, number, sizeof best);
    }
    free(text);
    return best[0] < 0 ? text_format(version, "unknown") : text_format(version, "%d.%d.%d", best[0], best[1], best[2]);
}

Status version_read(const char *root, char **version) {
    *version = NULL;
    TRY(read_description(root, version));
    return *version ? NULL : read_changelog(root, version);
}
