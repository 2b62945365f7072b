/* SPDX-License-Identifier: Apache-2.0 */
/* Records of packs of one size in a device's memory: uploaded once, in their order, through a small ring. */
#ifndef FOVEA_DATA_DEVICE_CACHE_H
#define FOVEA_DATA_DEVICE_CACHE_H

#include "data/prefetch.h"
#include "device/device.h"

typedef struct DeviceCache DeviceCache;

/* Fills memory for a record; called once for each. */
typedef Status (*DeviceCacheFill)(void *context, int64_t record, void *out);

/* The memory's size in bytes is count * record_bytes; device and context are borrowed. Workers start to fill at once.
 * EXIT_NO_MEMORY when the device is short of memory. */
Status device_cache_open(const Device *device, int64_t count, size_t record_bytes, int workers, DeviceCacheFill fill,
                         void *context, DeviceCache **cache) MUST_USE;
void device_cache_close(DeviceCache *cache);

/* Adds the memory that device_cache_open() allocates, on the host and on the device, to measuring arenas. */
void device_cache_measure(int64_t count, size_t record_bytes, Arena *host, Arena *device);

/* Uploads the next piece and waits for it; *left: records that remain. With none left it does nothing. */
Status device_cache_fill_next(DeviceCache *cache, int64_t *left) MUST_USE;
/* Device memory. */
const uint8_t *device_cache_pixels(const DeviceCache *cache);

#endif
