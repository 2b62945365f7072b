/* SPDX-License-Identifier: Apache-2.0 */
#include "data/device_cache.h"

#include <stdlib.h>

enum { PIECE = 64, DEPTH = 3 }; /* records uploaded at a time, and pieces in the ring */

struct DeviceCache {
    const Device *device;
    DeviceCacheFill fill;
    void *context;
    int64_t count, uploaded;
    size_t record_bytes;
    uint8_t *pixels; /* device memory */
    Stream *copies;
    Prefetch *ring; /* until all are uploaded */
};

static Status fill_record(void *context, uint64_t batch, int place, void *out, int64_t *key, Crop *crop,
                          int32_t *extra) {
    (void)crop, (void)extra;
    DeviceCache *cache = context;
    *key = (int64_t)batch * PIECE + place;
    return *key < cache->count ? cache->fill(cache->context, *key, out) : NULL;
}

static PrefetchOptions ring_options(const Device *device, size_t record_bytes, int workers) {
    return (PrefetchOptions){.fill = fill_record,
                             .batch_size = PIECE,
                             .sample_bytes = record_bytes,
                             .device = device,
                             .depth = DEPTH,
                             .workers = workers};
}

void device_cache_measure(int64_t count, size_t record_bytes, Arena *host, Arena *device) {
    const PrefetchOptions ring = ring_options(NULL, record_bytes, 1);
    prefetch_measure(&ring, host);
    arena_group(device, "packs' records");
    arena_take(device, (size_t)count * record_bytes);
}

Status device_cache_open(const Device *device, int64_t count, size_t record_bytes, int workers, DeviceCacheFill fill,
                         void *context, DeviceCache **out) {
    *out = NULL;
    DeviceCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return status_no_memory("the device cache", sizeof *cache);
    *cache =
        (DeviceCache){.device = device, .fill = fill, .context = context, .count = count, .record_bytes = record_bytes};
    PrefetchOptions ring = ring_options(device, record_bytes, workers);
    ring.context = cache;
    void *memory = NULL;
    Status status = device->allocate(device, (size_t)count * record_bytes, "the device cache", &memory);
    cache->pixels = memory;
    if (!status)
        status = device->stream_open(device, &cache->copies);
    if (!status)
        status = prefetch_open(&ring, &cache->ring);
    if (status)
        device_cache_close(cache);
    else
        *out = cache;
    return status;
}

void device_cache_close(DeviceCache *cache) {
    if (!cache)
        return;
    prefetch_close(cache->ring);
    cache->device->stream_close(cache->device, cache->copies);
    cache->device->release(cache->device, cache->pixels);
    free(cache);
}

Status device_cache_fill_next(DeviceCache *cache, int64_t *left) {
    const Device *device = cache->device;
    if (cache->uploaded < cache->count) {
        PrefetchBatch piece;
        TRY(prefetch_next(cache->ring, &piece));
        const int64_t rest = cache->count - cache->uploaded, records = rest < PIECE ? rest : PIECE;
        TRY(device->copy(device, cache->copies, cache->pixels + (size_t)cache->uploaded * cache->record_bytes,
                         piece.samples, (size_t)records * cache->record_bytes, COPY_TO_DEVICE));
        TRY(device->wait(device, cache->copies));
        prefetch_done(cache->ring);
        cache->uploaded += records;
    }
    *left = cache->count - cache->uploaded;
    if (!*left) {
        prefetch_close(cache->ring);
        cache->ring = NULL;
    }
    return NULL;
}

const uint8_t *device_cache_pixels(const DeviceCache *cache) {
    return cache->pixels;
}
