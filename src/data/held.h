/* Records of packs of one size in a device's memory: brought there once, in their order, through a small ring. */
#ifndef FOVEA_HELD_H
#define FOVEA_HELD_H

#include "device.h"
#include "prefetch.h"

typedef struct Held Held;

/* Fills memory for a record; sees each once. */
typedef Status (*HeldFill)(void *context, int64_t record, void *out);

/* The memory's size in bytes is count * record_bytes; device and context are borrowed. Workers begin to fill at once.
 * EXIT_NO_MEMORY when the device does not have it. */
Status held_open(const Device *device, int64_t count, size_t record_bytes, int workers, HeldFill fill, void *context,
                 Held **held) MUST_USE;
void held_close(Held *held);

/* What held_open() takes of the host's memory, added to a measuring arena, and of the device's. */
void held_measure(int64_t count, size_t record_bytes, Arena *host, Arena *device);

/* Brings the next piece and waits for it; *left: records still to come. With none left it does nothing. */
Status held_bring(Held *held, int64_t *left) MUST_USE;
const uint8_t *held_pixels(const Held *held);

#endif
