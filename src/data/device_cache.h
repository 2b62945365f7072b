/* SPDX-License-Identifier: Apache-2.0 */
/* Records of packs of one size in a device's memory: brought there once, in their order, through a small ring. */
#ifndef FOVEA_DATA_DEVICE_CACHE_H
#define FOVEA_DATA_DEVICE_CACHE_H

#include "data/prefetch.h"
#include "device/device.h"

typedef struct DeviceCache DeviceCache;

/* Fills memory for a record; sees each once. */
typedef Status (*DeviceCacheFill)(void *context, int64_t record, void *out);

/* The memory's size in bytes is count * record_bytes; device and context are borrowed. Workers begin to fill at once.
 * EXIT_NO_MEMORY when the device does not have it. */
Status device_cache_open(const Device *device, int64_t count, size_t record_bytes, int workers, DeviceCacheFill fill,
                         void *context, DeviceCache **held) MUST_USE;
void device_cache_close(DeviceCache *held);

/* What device_cache_open() takes of the host's memory, added to a measuring arena, and of the device's. */
void device_cache_measure(int64_t count, size_t record_bytes, Arena *host, Arena *device);

/* Brings the next piece and waits for it; *left: records still to come. With none left it does nothing. */
Status device_cache_fill_next(DeviceCache *held, int64_t *left) MUST_USE;
const uint8_t *device_cache_pixels(const DeviceCache *held);

#endif
