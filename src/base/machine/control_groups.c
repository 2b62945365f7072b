/* SPDX-License-Identifier: Apache-2.0 */
#include "base/control_groups.h"
#include "base/files.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool control_groups_read(const char *root, const char *folder, const char *name, char *text, size_t size) {
    char *path, *data = NULL;
    size_t length = 0;
    Status status = files_path(&path, "%s%s/%s", root, folder, name);
    if (!status)
        status = files_exists(path) ? files_read(path, &data, &length) : NULL;
    const bool read = !status && data;
    if (read)
        snprintf(text, size, "%s", data);
    status_free(status);
    free(data);
    free(path);
    return read;
}

/* Visits a group and all above it. In a container the group's own path may be missing, and then the mount's root has
 * the limit. */
static void visit_groups(const char *mount, const TextLine *group, bool second, ControlGroupVisit visit,
                         void *context) {
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s%.*s", mount, (int)group->length, group->start) >= (int)sizeof folder)
        return;
    for (const size_t end = strlen(mount);;) {
        visit(context, folder, second);
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + end)
            return;
        *slash = '\0';
    }
}

/* Whether `controllers`, "cpu,cpuacct", names `controller`. */
static bool is_named(const char *controllers, size_t length, const char *controller) {
    const size_t wanted = strlen(controller);
    for (const char *at = controllers, *end = at + length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const size_t word = (size_t)((comma ? comma : end) - at);
        if (word == wanted && strncmp(at, controller, wanted) == 0)
            return true;
        at += word + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup is NUMBER:CONTROLLERS:PATH, with no controllers in version 2. */
void control_groups_visit(const char *root, const char *controller, ControlGroupVisit visit, void *context) {
    char text[8192], mount[64];
    if (!control_groups_read(root, "/proc/self", "cgroup", text, sizeof text))
        return;
    TextLine line;
    for (const char *at = text, *end = text + strlen(text); text_next_line(&at, end, &line);) {
        const char *stop = line.start + line.length;
        const char *controllers = memchr(line.start, ':', line.length);
        const char *colon = controllers ? memchr(controllers + 1, ':', (size_t)(stop - controllers - 1)) : NULL;
        if (!colon)
            continue;
        const size_t named = (size_t)(colon - controllers - 1);
        const TextLine group = {.start = colon + 1, .length = (size_t)(stop - colon - 1)};
        snprintf(mount, sizeof mount, "/sys/fs/cgroup%s%s", named ? "/" : "", named ? controller : "");
        if (!named || is_named(controllers + 1, named, controller))
            visit_groups(mount, &group, !named, visit, context);
    }
}
