/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/checksums/md5_lines.h"

#include "base/digest.h"
#include "base/text.h"
#include "base/tsv.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

enum { HEX_DIGITS = 2 * DIGEST_MD5, BASE64_LETTERS = 24 };

static size_t parse_hexadecimal(const char *text, char sum[MD5_TEXT]) {
    size_t digits = 0;
    for (; digits < HEX_DIGITS && isxdigit((unsigned char)text[digits]); digits++)
        sum[digits] = (char)tolower((unsigned char)text[digits]);
    sum[digits] = '\0';
    return digits == HEX_DIGITS && !isxdigit((unsigned char)text[HEX_DIGITS]) ? HEX_DIGITS : 0;
}

static size_t parse_base64(const char *text, char sum[MD5_TEXT]) {
    uint8_t bytes[DIGEST_MD5];
    if (!digest_from_base64_md5(text, bytes))
        return 0;
    digest_to_hex(bytes, DIGEST_MD5, sum);
    return BASE64_LETTERS;
}

size_t md5_parse_sum(const char *text, char sum[MD5_TEXT]) {
    const size_t taken = parse_hexadecimal(text, sum);
    return taken ? taken : parse_base64(text, sum);
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* --- md5sum --------------------------------------------------------------------------------------------------------*/

static Md5Line parse_md5sum(char *line, char **path, char sum[MD5_TEXT]) {
    const bool escaped = *line == '\\';
    const size_t taken = md5_parse_sum(line += escaped, sum);
    if (!taken || line[taken] != ' ' || (line[taken + 1] != ' ' && line[taken + 1] != '*') || !line[taken + 2])
        return MD5_LINE_UNKNOWN;
    *path = line + taken + 2;
    if (escaped)
        tsv_unescape(*path);
    return MD5_LINE_SUM;
}

static Md5Line parse_tagged(char *line, char **path, char sum[MD5_TEXT]) {
    static const char opening[] = "MD5 (", closing[] = ") = ";
    char *end = NULL;
    if (!starts_with(line, opening))
        return MD5_LINE_UNKNOWN;
    for (char *at = line; (at = strstr(at, closing)); at++) /* the last one: a name may contain it, too */
        end = at;
    const size_t taken = end ? md5_parse_sum(end + strlen(closing), sum) : 0;
    if (!taken || end[strlen(closing) + taken])
        return MD5_LINE_BAD;
    *end = '\0';
    *path = line + strlen(opening);
    return MD5_LINE_SUM;
}

/* --- azcopy --------------------------------------------------------------------------------------------------------*/

/* The value of the property if `text` starts with its name and a colon, or NULL. Releases of azcopy write Content
 * Length, Content-MD5 and ContentMD5. */
static char *property_value(char *text, const char *name) {
    for (; *name; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (tolower((unsigned char)*text) != *name++)
            return NULL;
    }
    return *text == ':' ? text + 1 + strspn(text + 1, " ") : NULL;
}

/* The first property, after the path; NULL when there is none. */
static char *find_properties(char *line) {
    static const char *const names[] = {"lastmodifiedtime", "versionid",   "blobtype",      "blobaccesstier",
                                        "contenttype",      "contentmd5",  "leasestate",    "contentencoding",
                                        "leaseduration",    "leasestatus", "archivestatus", "contentlength"};
    for (char *at = line; (at = strstr(at, "; ")); at++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (property_value(at + 1, names[i]))
                return at;
    return NULL;
}

static Md5Line find_sum_property(char *at, char sum[MD5_TEXT]) {
    for (; at; at = strchr(at, ';')) {
        const char *value = property_value(++at, "contentmd5");
        if (!value)
            continue;
        const size_t taken = md5_parse_sum(value, sum);
        if (taken && (value[taken] == ';' || !value[taken]))
            return MD5_LINE_SUM;
        return *value == ';' || !*value ? MD5_LINE_REMARK : MD5_LINE_BAD;
    }
    return MD5_LINE_REMARK;
}

static Md5Line parse_azcopy(char *line, char **path, char sum[MD5_TEXT]) {
    const bool info = starts_with(line, "INFO: ");
    line += info ? strlen("INFO: ") : 0;
    char *properties = find_properties(line);
    if (properties) {
        *path = line;
        const Md5Line kind = find_sum_property(properties, sum);
        *properties = '\0';
        return kind;
    }
    return info || starts_with(line, "File count: ") || starts_with(line, "Total file size: ") ? MD5_LINE_REMARK
                                                                                               : MD5_LINE_UNKNOWN;
}

static const char *json_text(const cJSON *json, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* Copies the path into `line`, which contained the longer JSON. */
static Md5Line parse_listed_object(const char *content, char *line, char **path, char sum[MD5_TEXT]) {
    cJSON *json = cJSON_Parse(content);
    const char *name = json_text(json, "Path"), *md5 = json_text(json, "ContentMD5");
    Md5Line kind = MD5_LINE_BAD;
    if (name && (!md5 || !*md5)) {
        kind = MD5_LINE_REMARK;
    } else if (name) {
        const size_t taken = md5_parse_sum(md5, sum);
        if (taken && !md5[taken]) {
            kind = MD5_LINE_SUM;
            *path = strcpy(line, name);
        }
    }
    cJSON_Delete(json);
    return kind;
}

static Md5Line parse_message(char *line, char **path, char sum[MD5_TEXT]) {
    cJSON *json = cJSON_Parse(line);
    const char *type = json_text(json, "MessageType"), *content = json_text(json, "MessageContent");
    Md5Line kind = MD5_LINE_BAD;
    if (type && content && strcmp(type, "ListObject") == 0) {
        kind = parse_listed_object(content, line, path, sum);
    } else if (type && content && strcmp(type, "Error") != 0) {
        kind = parse_azcopy(strcpy(line, content), path, sum); /* older releases print the line as a message */
        kind = kind == MD5_LINE_UNKNOWN ? MD5_LINE_REMARK : kind;
    }
    cJSON_Delete(json);
    return kind;
}

/* -------------------------------------------------------------------------------------------------------------------*/

Md5Line md5_line_parse(char *line, char **path, char sum[MD5_TEXT]) {
    if (!line[strspn(line, " \t")])
        return MD5_LINE_REMARK;
    if (*line == '{')
        return parse_message(line, path, sum);
    Md5Line kind = parse_md5sum(line, path, sum);
    if (kind == MD5_LINE_UNKNOWN)
        kind = parse_tagged(line, path, sum);
    return kind == MD5_LINE_UNKNOWN ? parse_azcopy(line, path, sum) : kind;
}

bool md5_lines_recognise(const char *text) {
    Md5Line kind = MD5_LINE_REMARK;
    const char *at = text, *end = text + strlen(text);
    for (TextLine found; kind == MD5_LINE_REMARK && text_next_line(&at, end, &found);) {
        char *line = strndup(found.start, found.length), *path, sum[MD5_TEXT];
        if (line)
            line[strcspn(line, "\r")] = '\0';
        kind = line ? md5_line_parse(line, &path, sum) : MD5_LINE_UNKNOWN;
        free(line);
    }
    return kind != MD5_LINE_UNKNOWN;
}
