/* SPDX-License-Identifier: Apache-2.0 */
#include "device/device.h"

#include "device/plugin.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 }; /* arena.c's */

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

static Status copy_and_wait(const Device *device, void *to, const void *from, size_t bytes, CopyDirection direction) {
    TRY(device->copy(device, NULL, to, from, bytes, direction));
    return device->wait(device, NULL);
}

Status device_write(const Device *device, void *to, const void *from, size_t bytes) {
    return copy_and_wait(device, to, from, bytes, COPY_TO_DEVICE);
}

Status device_read(const Device *device, void *to, const void *from, size_t bytes) {
    return copy_and_wait(device, to, from, bytes, COPY_TO_HOST);
}

Status device_arena_open(const Device *device, Arena *arena, size_t size, const char *what) {
    if (device->host_memory)
        return arena_open(arena, size, what);
    *arena = (Arena){0};
    /* Layouts beyond the address space measure as SIZE_MAX, which no device has. An arena without memory measures. */
    const size_t least = size ? size : 1, padding = -least % ALIGNMENT;
    const size_t rounded = least > SIZE_MAX - padding ? SIZE_MAX : least + padding;
    void *base;
    TRY(device->allocate(device, rounded, what, &base));
    Status status = device->fill(device, NULL, base, 0, rounded);
    if (!status)
        status = device->wait(device, NULL);
    if (status) {
        device->release(device, base);
        return status;
    }
    *arena = (Arena){.base = base, .size = rounded};
    return NULL;
}

void device_arena_close(const Device *device, Arena *arena) {
    if (device->host_memory) {
        arena_close(arena);
        return;
    }
    device->release(device, arena->base);
    *arena = (Arena){0};
}
