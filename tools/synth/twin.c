/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/twin.h"
#include "tools/synth/aireadi_names.h"
#include <stdlib.h>
#include <string.h>

static const double BRIGHTER = 1.08;
enum { QUALITY = 85 }; /* of what is compressed again */

void twin_name(const Arguments *arguments, Photograph *photograph) {
    switch (photograph->mistake) {
    case MISTAKE_COPY_ACROSS:
    case MISTAKE_COPY_BESIDE:
    case MISTAKE_NEAR_ACROSS:
        aireadi_path(arguments, photograph, photograph->partner, "_copy", photograph->twin);
        break;
    case MISTAKE_DUPLICATE:
    case MISTAKE_BRIGHTER:
    case MISTAKE_AGAIN:
        aireadi_path(arguments, photograph, photograph->person, "_again", photograph->twin);
        break;
    default:
        break;
    }
}

static Status make_same(const uint8_t *sound, size_t sound_size, uint8_t **bytes, size_t *size) {
    *bytes = malloc(sound_size);
    if (!*bytes)
        return status_no_memory("a DICOM file", sound_size);
    memcpy(*bytes, sound, sound_size);
    *size = sound_size;
    return NULL;
}

static Status make_brighter(const DicomImage *image, uint8_t **bytes, size_t *size) {
    const size_t count = 3 * (size_t)image->width * (size_t)image->height;
    uint8_t *pixels = malloc(count);
    if (!pixels)
        return status_no_memory("an image", count);
    for (size_t i = 0; i < count; i++) {
        const double level = image->pixels[i] * BRIGHTER;
        pixels[i] = level > 255 ? 255 : (uint8_t)level;
    }
    DicomImage brighter = *image;
    brighter.pixels = pixels;
    Status status = dicom_write(&brighter, bytes, size);
    free(pixels);
    return status;
}

Status twin_make(const Photograph *photograph, const DicomImage *image, const char *partner, const uint8_t *sound,
                 size_t sound_size, uint8_t **bytes, size_t *size) {
    DicomImage again = *image;
    again.encoding = ENCODING_JPEG;
    again.quality = QUALITY;
    switch (photograph->mistake) {
    case MISTAKE_BRIGHTER:
        return make_brighter(image, bytes, size);
    case MISTAKE_NEAR_ACROSS:
        again.person = partner;
        return dicom_write(&again, bytes, size);
    case MISTAKE_AGAIN:
        return dicom_write(&again, bytes, size);
    default:
        return make_same(sound, sound_size, bytes, size);
    }
}
