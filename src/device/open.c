/* SPDX-License-Identifier: Apache-2.0 */
#include "device/open.h"

#include "device/plugin.h"
#include <stdio.h>
#include <stdlib.h>

Status device_open(DeviceKind kind, Device **device, char **note) {
    *note = NULL;
    *device = calloc(1, sizeof **device);
    if (!*device)
        return status_no_memory("a device", sizeof **device);
    Status status = NULL;
    if (kind != DEVICE_CPU)
        status = plugin_open(kind == DEVICE_EMU ? "emu" : "cuda", *device);
    /* A GPU that is present but full, or that fails inside the program, is no reason for days on the CPU. */
    const bool missing = status_code(status) == EXIT_MISSING;
    if (kind == DEVICE_AUTO && missing) {
        if (asprintf(note, "running on the CPU: %s", status_message(status)) < 0)
            *note = NULL;
        status_free(status);
        status = NULL;
    }
    if (kind == DEVICE_CPU || (kind == DEVICE_AUTO && missing))
        **device = *device_cpu();
    if (status) {
        free(*device);
        *device = NULL;
    }
    return status;
}

void device_close(Device *device) {
    if (!device)
        return;
    if (device->close)
        device->close(device);
    free(device);
}
