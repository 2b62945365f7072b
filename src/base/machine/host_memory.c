/* SPDX-License-Identifier: Apache-2.0 */
#include "base/host_memory.h"

#include "base/control_groups.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *root;
    HostMemory *memory;
} Search;

/* The number after `key` at the start of a line; -1: there is none. */
static int64_t find_count(const char *text, const char *key) {
    const size_t length = strlen(key);
    int64_t count;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && sscanf(line + length, " %" SCNd64, &count) == 1 && count >= 0)
            return count;
    }
    return -1;
}

static int64_t read_count(const char *root, const char *folder, const char *name) {
    char text[64];
    return control_groups_read(root, folder, name, text, sizeof text) ? find_count(text, "") : -1;
}

static int64_t smaller(int64_t known, int64_t other) {
    return known < 0 || other < known ? other : known;
}

/* Without a limit version 2 says "max", and version 1 a number beyond any memory. Cached files count as used there. */
static void take_limit(void *context, const char *folder, bool second) {
    const Search *search = context;
    const char *const names[2][4] = {
        {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file"},
        {"memory.max", "memory.current", "inactive_file", "active_file"}};
    char statistics[8192] = "";
    const int64_t limit = read_count(search->root, folder, names[second][0]);
    if (limit < 0)
        return;
    search->memory->total = smaller(search->memory->total, limit);
    const int64_t used = read_count(search->root, folder, names[second][1]);
    if (used < 0)
        return;
    int64_t kept = used;
    (void)control_groups_read(search->root, folder, "memory.stat", statistics, sizeof statistics);
    for (int i = 2; i < 4; i++) {
        const int64_t cached = find_count(statistics, names[second][i]);
        kept -= cached < 0 ? 0 : cached < kept ? cached : kept;
    }
    search->memory->available = smaller(search->memory->available, kept < limit ? limit - kept : 0);
}

static int64_t read_kilobytes(const char *text, const char *key) {
    const int64_t count = find_count(text, key);
    return count < 0 || count > INT64_MAX / 1024 ? -1 : count * 1024;
}

void host_memory_read_in(const char *root, HostMemory *memory) {
    char text[8192];
    *memory = (HostMemory){-1, -1};
    if (control_groups_read(root, "/proc", "meminfo", text, sizeof text)) {
        memory->total = read_kilobytes(text, "MemTotal:");
        memory->available = read_kilobytes(text, "MemAvailable:");
    }
    control_groups_visit(root, "memory", take_limit, &(Search){root, memory});
}

void host_memory_read(HostMemory *memory) {
    host_memory_read_in("", memory);
}
