/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/newest_backup.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Appends `text` to a pattern of glob(3), which it means as it is. */
static bool append_literal(char *pattern, size_t size, const char *text) {
    size_t at = strlen(pattern);
    for (; *text && at + 2 < size; text++) {
        if (strchr("*?[\\", *text))
            pattern[at++] = '\\';
        pattern[at++] = *text;
    }
    pattern[at] = '\0';
    return !*text;
}

static void take_newest(const char *pattern, struct timespec *time, char newest[PATH_MAX]) {
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat facts;
        const char *name = found.gl_pathv[i];
        if (stat(name, &facts) != 0 || !S_ISREG(facts.st_mode) || strlen(name) >= PATH_MAX)
            continue;
        const struct timespec *other = &facts.st_mtim;
        if (other->tv_sec > time->tv_sec || (other->tv_sec == time->tv_sec && other->tv_nsec > time->tv_nsec)) {
            *time = *other;
            snprintf(newest, PATH_MAX, "%s", name);
        }
    }
    globfree(&found);
}

bool newest_backup(const char *path, char newest[PATH_MAX]) {
    char pattern[2 * PATH_MAX] = "";
    struct timespec time = {.tv_sec = -1};
    *newest = '\0';
    if (!append_literal(pattern, sizeof pattern - 16, path))
        return false;
    const size_t length = strlen(pattern);
    strcpy(pattern + length, ".bak");
    take_newest(pattern, &time, newest);
    strcpy(pattern + length, ".v*.bak");
    take_newest(pattern, &time, newest);
    return *newest != '\0';
}
