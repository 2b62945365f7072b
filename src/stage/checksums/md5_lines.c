/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/checksums/md5_lines.h"

#include "base/tsv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* --- md5sum --------------------------------------------------------------------------------------------------------*/

static Md5Line sum_first(char *line, char **path, char sum[MD5_TEXT]) {
    const bool escaped = *line == '\\';
    const size_t taken = md5_text(line += escaped, sum);
    if (!taken || line[taken] != ' ' || (line[taken + 1] != ' ' && line[taken + 1] != '*') || !line[taken + 2])
        return MD5_LINE_STRANGE;
    *path = line + taken + 2;
    if (escaped)
        tsv_unescape(*path);
    return MD5_LINE_SUM;
}

static Md5Line tagged(char *line, char **path, char sum[MD5_TEXT]) {
    static const char opening[] = "MD5 (", closing[] = ") = ";
    char *end = NULL;
    if (!begins(line, opening))
        return MD5_LINE_STRANGE;
    for (char *at = line; (at = strstr(at, closing)); at++) /* the last one: a name may hold it, too */
        end = at;
    const size_t taken = end ? md5_text(end + strlen(closing), sum) : 0;
    if (!taken || end[strlen(closing) + taken])
        return MD5_LINE_BAD;
    *end = '\0';
    *path = line + strlen(opening);
    return MD5_LINE_SUM;
}

/* --- azcopy --------------------------------------------------------------------------------------------------------*/

/* The property whose name and colon `text` begins with: its value, or NULL. Releases write Content Length, Content-MD5
 * and ContentMD5. */
static char *value_of(char *text, const char *name) {
    for (; *name; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (tolower((unsigned char)*text) != *name++)
            return NULL;
    }
    return *text == ':' ? text + 1 + strspn(text + 1, " ") : NULL;
}

/* The first property, behind the path; NULL when there is none. */
static char *find_properties(char *line) {
    static const char *const names[] = {"lastmodifiedtime", "versionid",   "blobtype",      "blobaccesstier",
                                        "contenttype",      "contentmd5",  "leasestate",    "contentencoding",
                                        "leaseduration",    "leasestatus", "archivestatus", "contentlength"};
    for (char *at = line; (at = strstr(at, "; ")); at++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (value_of(at + 1, names[i]))
                return at;
    return NULL;
}

static Md5Line properties(char *at, char sum[MD5_TEXT]) {
    for (; at; at = strchr(at, ';')) {
        const char *value = value_of(++at, "contentmd5");
        if (!value)
            continue;
        const size_t taken = md5_text(value, sum);
        if (taken && (value[taken] == ';' || !value[taken]))
            return MD5_LINE_SUM;
        return *value == ';' || !*value ? MD5_LINE_REMARK : MD5_LINE_BAD;
    }
    return MD5_LINE_REMARK;
}

static Md5Line azcopy(char *line, char **path, char sum[MD5_TEXT]) {
    const bool told = begins(line, "INFO: ");
    line += told ? strlen("INFO: ") : 0;
    char *behind = find_properties(line);
    if (behind) {
        *path = line;
        const Md5Line kind = properties(behind, sum);
        *behind = '\0';
        return kind;
    }
    return told || begins(line, "File count: ") || begins(line, "Total file size: ") ? MD5_LINE_REMARK
                                                                                     : MD5_LINE_STRANGE;
}

static const char *text_of(const cJSON *json, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* `line` takes the path: the JSON it came from is longer. */
static Md5Line listed_object(const char *content, char *line, char **path, char sum[MD5_TEXT]) {
    cJSON *json = cJSON_Parse(content);
    const char *name = text_of(json, "Path"), *md5 = text_of(json, "ContentMD5");
    Md5Line kind = MD5_LINE_BAD;
    if (name && (!md5 || !*md5)) {
        kind = MD5_LINE_REMARK;
    } else if (name) {
        const size_t taken = md5_text(md5, sum);
        if (taken && !md5[taken]) {
            kind = MD5_LINE_SUM;
            *path = strcpy(line, name);
        }
    }
    cJSON_Delete(json);
    return kind;
}

static Md5Line message(char *line, char **path, char sum[MD5_TEXT]) {
    cJSON *json = cJSON_Parse(line);
    const char *type = text_of(json, "MessageType"), *content = text_of(json, "MessageContent");
    Md5Line kind = MD5_LINE_BAD;
    if (type && content && strcmp(type, "ListObject") == 0) {
        kind = listed_object(content, line, path, sum);
    } else if (type && content && strcmp(type, "Error") != 0) {
        kind = azcopy(strcpy(line, content), path, sum); /* older releases print the line as a message */
        kind = kind == MD5_LINE_STRANGE ? MD5_LINE_REMARK : kind;
    }
    cJSON_Delete(json);
    return kind;
}

/* -------------------------------------------------------------------------------------------------------------------*/

Md5Line md5_line(char *line, char **path, char sum[MD5_TEXT]) {
    if (!line[strspn(line, " \t")])
        return MD5_LINE_REMARK;
    if (*line == '{')
        return message(line, path, sum);
    Md5Line kind = sum_first(line, path, sum);
    if (kind == MD5_LINE_STRANGE)
        kind = tagged(line, path, sum);
    return kind == MD5_LINE_STRANGE ? azcopy(line, path, sum) : kind;
}

bool md5_lines(const char *text) {
    Md5Line kind = MD5_LINE_REMARK;
    for (const char *at = text; *at && kind == MD5_LINE_REMARK;) {
        const size_t length = strcspn(at, "\r\n");
        char *line = strndup(at, length), *path, sum[MD5_TEXT];
        kind = line ? md5_line(line, &path, sum) : MD5_LINE_STRANGE;
        free(line);
        at += length + strspn(at + length, "\r\n");
    }
    return kind != MD5_LINE_STRANGE;
}
