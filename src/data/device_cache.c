/* SPDX-License-Identifier: Apache-2.0 */
#include "data/device_cache.h"

#include <stdlib.h>

enum { PIECE = 64, DEPTH = 3 }; /* records that are brought at a time, and pieces in the ring */

struct DeviceCache {
    const Device *device;
    DeviceCacheFill fill;
    void *context;
    int64_t count, there;
    size_t record_bytes;
    uint8_t *pixels; /* the device's */
    Stream *copies;
    Prefetch *ring; /* until all are there */
};

static Status fill(void *context, uint64_t batch, int place, void *out, int64_t *key, Crop *crop) {
    (void)crop;
    DeviceCache *held = context;
    *key = (int64_t)batch * PIECE + place;
    return *key < held->count ? held->fill(held->context, *key, out) : NULL;
}

static PrefetchOptions ring_options(const Device *device, size_t record_bytes, int workers) {
    return (PrefetchOptions){.fill = fill,
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

Status device_cache_open(const Device *device, int64_t count, size_t record_bytes, int workers,
                         DeviceCacheFill fill_record, void *context, DeviceCache **out) {
    *out = NULL;
    DeviceCache *held = calloc(1, sizeof *held);
    if (!held)
        return status_no_memory("a device's records", sizeof *held);
    *held = (DeviceCache){
        .device = device, .fill = fill_record, .context = context, .count = count, .record_bytes = record_bytes};
    PrefetchOptions ring = ring_options(device, record_bytes, workers);
    ring.context = held;
    void *memory = NULL;
    Status status = device->allocate(device, (size_t)count * record_bytes, "the packs' records (data.cache)", &memory);
    held->pixels = memory;
    if (!status)
        status = device->stream_open(device, &held->copies);
    if (!status)
        status = prefetch_open(&ring, &held->ring);
    if (status)
        device_cache_close(held);
    else
        *out = held;
    return status;
}

void device_cache_close(DeviceCache *held) {
    if (!held)
        return;
    prefetch_close(held->ring);
    held->device->stream_close(held->device, held->copies);
    held->device->release(held->device, held->pixels);
    free(held);
}

Status device_cache_fill_next(DeviceCache *held, int64_t *left) {
    const Device *device = held->device;
    if (held->there < held->count) {
        PrefetchBatch piece;
        TRY(prefetch_next(held->ring, &piece));
        const int64_t rest = held->count - held->there, records = rest < PIECE ? rest : PIECE;
        TRY(device->copy(device, held->copies, held->pixels + (size_t)held->there * held->record_bytes, piece.samples,
                         (size_t)records * held->record_bytes, COPY_TO_DEVICE));
        TRY(device->wait(device, held->copies));
        prefetch_done(held->ring);
        held->there += records;
    }
    *left = held->count - held->there;
    if (!*left) {
        prefetch_close(held->ring);
        held->ring = NULL;
    }
    return NULL;
}

const uint8_t *device_cache_pixels(const DeviceCache *held) {
    return held->pixels;
}
