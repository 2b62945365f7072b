/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/rle.h"

#include <stdbool.h>

enum { HEADER_BYTES = 64, NOTHING = 128 };

static uint32_t read_u32(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Unpacks one plane, `step` bytes apart. A control byte n below 128 precedes n + 1 values, one above 128 a value that
 * is repeated 257 - n times. A segment may end in a byte that makes its length even. */
static Status unpack_plane(const char *name, int segment, const uint8_t *from, const uint8_t *end, uint8_t *value,
                           size_t count, size_t step) {
    while (count) {
        if (from == end)
            return status_error(EXIT_DATA, "%s: damaged RLE: segment %d ends %zu pixels early", name, segment, count);
        const unsigned control = *from++;
        if (control == NOTHING)
            continue;
        const bool repeated = control > NOTHING;
        const size_t length = repeated ? 257 - control : control + 1, bytes = repeated ? 1 : length;
        if (bytes > (size_t)(end - from))
            return status_error(EXIT_DATA, "%s: damaged RLE: segment %d is cut short within a run", name, segment);
        if (length > count)
            return status_error(EXIT_DATA, "%s: damaged RLE: segment %d has more values than the image", name, segment);
        for (size_t i = 0; i < length; i++, value += step)
            *value = from[repeated ? 0 : i];
        from += bytes;
        count -= length;
    }
    return NULL;
}

Status rle_decode(const Coded *coded, uint8_t *pixels) {
    const char *name = coded->name;
    const size_t count = (size_t)coded->width * (size_t)coded->height;
    if (coded->size < HEADER_BYTES)
        return status_error(EXIT_DATA, "%s: damaged RLE: %zu bytes, less than its header", name, coded->size);
    const uint32_t segments = read_u32(coded->data);
    if (segments != (uint32_t)coded->components)
        return status_error(EXIT_DATA, "%s: damaged RLE: %u segments for %d components of 8 bits", name, segments,
                            coded->components);
    for (int i = 0; i < coded->components; i++) {
        const bool last = i == coded->components - 1;
        const size_t start = read_u32(coded->data + 4 + 4 * i);
        const size_t end = last ? coded->size : read_u32(coded->data + 8 + 4 * i);
        if (start < HEADER_BYTES || start > end || end > coded->size)
            return status_error(EXIT_DATA, "%s: damaged RLE: segment %d is at bytes %zu to %zu of %zu", name, i + 1,
                                start, end, coded->size);
        TRY(unpack_plane(name, i + 1, coded->data + start, coded->data + end, pixels + i, count, 3));
    }
    for (size_t i = 0; coded->components == 1 && i < count; i++)
        pixels[i * 3 + 1] = pixels[i * 3 + 2] = pixels[i * 3];
    return NULL;
}
