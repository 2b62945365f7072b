/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_words.h"

#include "base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const ViewWord unknown = {"-"};

ViewWord view_size(double bytes) {
    static const char units[] = " KMGTPE";
    ViewWord word;
    int unit = 0;
    if (!(bytes >= 0 && bytes < 0x1p63))
        return unknown;
    /* 999.5 would be printed as 1000 */
    for (; bytes >= 999.5 && unit < 6; unit++)
        bytes /= 1024;
    int digits = !unit || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(word.text, sizeof word.text, unit ? "%.*f%c" : "%.*f", digits, bytes, units[unit]);
    return word;
}

ViewWord view_duration(double seconds) {
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    ViewWord word;
    if (!isfinite(seconds) || seconds > 1e12)
        return unknown;
    long long whole = seconds > 0 ? (long long)seconds : 0;
    if (whole < MINUTE)
        snprintf(word.text, sizeof word.text, "%llds", whole);
    else if (whole < HOUR)
        snprintf(word.text, sizeof word.text, "%lldm", whole / MINUTE);
    else if (whole < DAY)
        snprintf(word.text, sizeof word.text, "%lldh%02lldm", whole / HOUR, whole % HOUR / MINUTE);
    else
        snprintf(word.text, sizeof word.text, "%lldd%02lldh", whole / DAY, whole % DAY / HOUR);
    return word;
}

ViewWord view_time(double time, double now) {
    ViewWord word;
    struct tm then, today;
    if (!(fabs(time) < 1e12) || !(fabs(now) < 1e12))
        return unknown;
    time_t seconds = (time_t)floor(time), present = (time_t)floor(now);
    if (!localtime_r(&seconds, &then) || !localtime_r(&present, &today))
        return unknown;
    bool same = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    strftime(word.text, sizeof word.text, same ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
    return word;
}

ViewWord view_number(double value, int digits) {
    ViewWord word;
    if (!isfinite(value))
        return unknown;
    snprintf(word.text, sizeof word.text, fabs(value) < 1e12 ? "%.*f" : "%.*e", digits, value);
    return word;
}

double view_real(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

const char *view_text(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

const cJSON *view_list(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(item) ? item : NULL;
}

bool view_known(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item && !cJSON_IsNull(item);
}

Status view_numbers(const cJSON *list, const char *between, char **text) {
    size_t size;
    const cJSON *item;
    const char *before = "";
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (!out)
        return status_no_memory("a list of numbers", 0);
    cJSON_ArrayForEach(item, list) {
        fprintf(out, "%s%s", before, view_number(cJSON_IsNumber(item) ? item->valuedouble : (double)NAN, 0).text);
        before = between;
    }
    if (!fclose(out))
        return NULL;
    free(*text);
    *text = NULL;
    return status_no_memory("a list of numbers", size);
}

static uint32_t code_point(const char *text, size_t length) {
    const unsigned char *s = (const unsigned char *)text;
    if (length == 1)
        return s[0];
    uint32_t code = s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (s[i] & 0x3f);
    return code;
}

typedef struct {
    uint32_t from, to;
} CodeRange;

static bool in_ranges(uint32_t code, const CodeRange *ranges, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    return false;
}

/* Control characters; zero-width characters and those that turn the direction; line and paragraph separators; tags. */
static bool is_harmful(uint32_t code) {
    static const CodeRange ranges[] = {{0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},
                                       {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f},
                                       {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
    return in_ranges(code, ranges, sizeof ranges / sizeof *ranges);
}

/* Columns of a character: the wide blocks of East Asia and pictures take two, marks over other letters none. */
static int char_columns(uint32_t code) {
    static const CodeRange wide[] = {{0x1100, 0x115f},   {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
                                     {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                     {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    static const CodeRange none[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                     {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    if (in_ranges(code, none, sizeof none / sizeof *none))
        return 0;
    return in_ranges(code, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

Status view_safe(const char *text, char **safe) {
    char *copy = *safe = malloc(strlen(text) + 1); /* nothing becomes longer */
    if (!copy)
        return status_no_memory("a text of a table", strlen(text) + 1);
    while (*text) {
        size_t length = utf8_length(text);
        if (*text == '\n' || *text == '\r' || *text == '\t') {
            *copy++ = ' ';
        } else if (!length || is_harmful(code_point(text, length))) {
            *copy++ = '?';
        } else {
            memcpy(copy, text, length);
            copy += length;
        }
        text += length ? length : 1;
    }
    *copy = 0;
    return NULL;
}

size_t view_cut(const char *safe, int columns) {
    size_t at = 0;
    while (safe[at]) {
        size_t length = utf8_length(safe + at);
        columns -= char_columns(code_point(safe + at, length));
        if (columns < 0)
            break;
        at += length;
    }
    return at;
}

int view_columns(const char *safe) {
    int columns = 0;
    while (*safe) {
        size_t length = utf8_length(safe);
        columns += char_columns(code_point(safe, length));
        safe += length;
    }
    return columns;
}
