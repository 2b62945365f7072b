/* SPDX-License-Identifier: Apache-2.0 */
/* The limits that control groups set for this process, of both versions. */
#ifndef FOVEA_BASE_CONTROL_GROUPS_H
#define FOVEA_BASE_CONTROL_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

/* `folder` is that of a group, without the root; `second`: its files are those of version 2. */
typedef void (*ControlGroupVisit)(void *context, const char *folder, bool second);

/* Visits every group whose limits of `controller` ("cpu", "memory") hold for this process: its own, and all above it,
 * since each one limits those below. /proc and /sys are read below `root`. */
void control_groups_visit(const char *root, const char *controller, ControlGroupVisit visit, void *context);
/* Reads root/FOLDER/name into `text`; false where it cannot be read. */
bool control_groups_read(const char *root, const char *folder, const char *name, char *text, size_t size);

#endif
