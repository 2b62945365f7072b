/* SPDX-License-Identifier: Apache-2.0 */
#include "device/device.h"

#include <stdint.h>

enum { ALIGNMENT = 64 }; /* arena.c's */

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
