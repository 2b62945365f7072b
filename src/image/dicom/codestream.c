/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/codestream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOC = 0xFF4F,
    SIZ = 0xFF51,
    SOT = 0xFF90,
    EOC = 0xFFD9,
    SIZ_AT = 4,         /* its length; SOC, SIZ before it */
    COMPONENTS_AT = 42, /* three bytes each */
    TILE_PART_BYTES = 14
};

static Status damaged(const Coded *coded, const char *format, ...) __attribute__((format(printf, 2, 3)));
static Status damaged(const Coded *coded, const char *format, ...) {
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return status_error(EXIT_DATA, "%s: damaged JPEG 2000: %s", coded->name, what);
}

static unsigned read_u16(const uint8_t *bytes) {
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t read_u32(const uint8_t *bytes) {
    return (uint32_t)read_u16(bytes) << 16 | read_u16(bytes + 2);
}

/* A box: 4 bytes of length (0: to the end; 1: 8 more follow), 4 of type. */
static Status open_boxes(Coded *coded) {
    static const uint8_t signature[] = {0, 0, 0, 12, 'j', 'P', ' ', ' ', 13, 10, 0x87, 10};
    if (coded->size < sizeof signature || memcmp(coded->data, signature, sizeof signature) != 0)
        return NULL;
    while (coded->size >= 8) {
        const bool is_codestream = memcmp(coded->data + 4, "jp2c", 4) == 0;
        uint64_t length = read_u32(coded->data), head = 8;
        if (length == 1 && coded->size >= 16) {
            length = (uint64_t)read_u32(coded->data + 8) << 32 | read_u32(coded->data + 12);
            head = 16;
        }
        if (!length)
            length = coded->size;
        if (length < head || length > coded->size)
            return damaged(coded, "a box of %llu bytes, but %zu are left", (unsigned long long)length, coded->size);
        coded->data += is_codestream ? head : length;
        coded->size = is_codestream ? length - head : coded->size - length;
        if (is_codestream)
            return NULL;
    }
    return damaged(coded, "no codestream within its boxes");
}

static Status check_components(const Coded *coded, bool *unsupported) {
    const unsigned components = read_u16(coded->data + COMPONENTS_AT - 2);
    if ((int)components != coded->components || coded->size < COMPONENTS_AT + 3 * (size_t)components)
        return damaged(coded, "%u components, not %d", components, coded->components);
    for (unsigned i = 0; i < components; i++) {
        const uint8_t *component = coded->data + COMPONENTS_AT + 3 * i;
        if (component[0] != 7) /* the highest bit: signed; the others: bits less one */
            return damaged(coded, "%s values of %d bits, but the header says 8 unsigned",
                           component[0] & 128 ? "signed" : "unsigned", (component[0] & 127) + 1);
        if (component[1] == 1 && component[2] == 1)
            continue;
        *unsupported = true;
        return status_error(EXIT_DATA, "%s: unsupported DICOM: JPEG 2000 whose components differ in resolution",
                            coded->name);
    }
    return NULL;
}

/* The size of the image and the number of its tiles; each takes 14 bytes of the file at least. */
static Status check_grid(const Coded *coded, uint32_t *tiles) {
    if (coded->size < COMPONENTS_AT || read_u16(coded->data) != SOC || read_u16(coded->data + 2) != SIZ)
        return damaged(coded, "no codestream: it does not begin with its size");
    const uint8_t *at = coded->data + SIZ_AT + 4;
    const uint64_t right = read_u32(at), bottom = read_u32(at + 4), left = read_u32(at + 8), top = read_u32(at + 12);
    const uint64_t tile_width = read_u32(at + 16), tile_height = read_u32(at + 20);
    const uint64_t tile_left = read_u32(at + 24), tile_top = read_u32(at + 28);
    if (right < left || bottom < top || right - left != (uint64_t)coded->width ||
        bottom - top != (uint64_t)coded->height)
        return damaged(coded, "%lld x %lld pixels in an image of %d x %d", (long long)(right - left),
                       (long long)(bottom - top), coded->width, coded->height);
    if (!tile_width || !tile_height || tile_left > left || tile_top > top || tile_left + tile_width <= left ||
        tile_top + tile_height <= top)
        return damaged(coded, "tiles that do not cover the image");
    const uint64_t across = (right - tile_left + tile_width - 1) / tile_width;
    const uint64_t down = (bottom - tile_top + tile_height - 1) / tile_height;
    if (across * down > coded->size / TILE_PART_BYTES)
        return damaged(coded, "%llu tiles in %zu bytes", (unsigned long long)(across * down), coded->size);
    *tiles = (uint32_t)(across * down);
    return NULL;
}

/* Skips the main header: segments of a marker and a length. */
static Status skip_header(const Coded *coded, size_t *at) {
    for (*at = 2; coded->size - *at >= 4; *at += 2 + read_u16(coded->data + *at + 2)) {
        if (read_u16(coded->data + *at) == SOT)
            return NULL;
        if (read_u16(coded->data + *at) < 0xFF01 || (size_t)read_u16(coded->data + *at + 2) + 2 > coded->size - *at)
            break;
    }
    return damaged(coded, "cut short, or no tile after its header");
}

/* A decoder fills a tile that is missing with nothing, and warns at most. */
static Status count_tiles(const Coded *coded, uint32_t tiles, uint8_t *seen) {
    size_t at;
    uint32_t found = 0;
    TRY(skip_header(coded, &at));
    while (coded->size - at >= TILE_PART_BYTES && read_u16(coded->data + at) == SOT) {
        const uint32_t tile = read_u16(coded->data + at + 4), left = (uint32_t)(coded->size - at);
        uint32_t length = read_u32(coded->data + at + 6);
        if (!length) /* the last one may leave it open, up to the end mark */
            length = left - 2;
        if (tile >= tiles || length < TILE_PART_BYTES || length > left)
            return damaged(coded, "cut short: tile %u of %u has %u bytes, but %u are left", tile, tiles, length, left);
        found += !seen[tile];
        seen[tile] = 1;
        at += length;
    }
    if (found < tiles)
        return damaged(coded, "%u of %u tiles", found, tiles);
    if (coded->size - at < 2 || read_u16(coded->data + at) != EOC)
        return damaged(coded, "no end mark after its tiles");
    return NULL;
}

Status codestream_find(Coded *coded, bool *unsupported) {
    uint32_t tiles = 0;
    TRY(open_boxes(coded));
    TRY(check_grid(coded, &tiles));
    TRY(check_components(coded, unsupported));
    uint8_t *seen = calloc(tiles, 1);
    if (!seen)
        return status_no_memory(coded->name, tiles);
    Status status = count_tiles(coded, tiles, seen);
    free(seen);
    return status;
}
