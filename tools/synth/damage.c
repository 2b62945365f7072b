/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/damage.h"
#include "tools/synth/aireadi_names.h"
#include "tools/synth/anatomy.h"
#include <stdlib.h>
#include <string.h>

enum { PREAMBLE = 128 };

static void start(Random *random, const Arguments *arguments, const Photograph *photograph) {
    anatomy_stream(random, arguments->seed, STREAM_PLANT,
                   anatomy_key((uint64_t)(photograph->person - 1), photograph->left, photograph->visit));
}

void damage_image(const Arguments *arguments, const Photograph *photograph, const char *person, const char *partner,
                  DicomImage *image) {
    Random random;
    start(&random, arguments, photograph);
    image->person = person;
    image->left = photograph->left;
    image->keep = 1;
    switch (photograph->mistake) {
    case MISTAKE_HEADER_PERSON:
        image->person = partner;
        break;
    case MISTAKE_HEADER_EYE:
        image->left = !photograph->left;
        break;
    case MISTAKE_COPY_ACROSS: /* a header that names a person would tell whose it is */
    case MISTAKE_COPY_BESIDE:
        image->person = "";
        break;
    case MISTAKE_DECODE:
    case MISTAKE_SHORT:
        image->keep = random_between(&random, 0.3, 0.95);
        break;
    case MISTAKE_LOSSLESS_JPEG:
        image->encoding = ENCODING_LOSSLESS_JPEG;
        break;
    case MISTAKE_HT_JPEG2000:
        image->encoding = ENCODING_HT_JPEG2000;
        break;
    default:
        break;
    }
}

/* Where an element's tag stands in a sound header, which has each once; dicom_write() writes all that are asked for. */
static size_t place_of(const uint8_t *bytes, size_t size, unsigned group, unsigned element) {
    const uint8_t tag[] = {(uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element, (uint8_t)(element >> 8)};
    const uint8_t *found = memmem(bytes, size, tag, sizeof tag);
    return found ? (size_t)(found - bytes) : 0;
}

/* Flips one bit that no reader can do without: of the mark DICM, of the rows' tag (then an element is out of order), of
 * the rows (below 2^15, so that they stay within what can be read, and do not fit the pixels), of the samples of a
 * pixel, the highest of the pixels' length, or the case of a VR. */
static void flip_header(Random *random, bool implicit, uint8_t *bytes, size_t size) {
    const size_t rows = place_of(bytes, size, 0x28, 0x10), value = 8;
    switch (random_below(random, implicit ? 5 : 6)) {
    case 0:
        bytes[PREAMBLE + random_below(random, 4)] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1:
        bytes[rows] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 2: {
        const uint32_t bit = random_below(random, 15);
        bytes[rows + value + bit / 8] ^= (uint8_t)(1u << bit % 8);
        break;
    }
    case 3:
        bytes[place_of(bytes, size, 0x28, 2) + value] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 4:
        bytes[place_of(bytes, size, 0x7FE0, 0x10) + (implicit ? 7 : 11)] ^= 0x80;
        break;
    default:
        bytes[rows + 4] ^= 0x20;
    }
}

void damage_file(const Arguments *arguments, const Photograph *photograph, uint8_t *bytes, size_t *size) {
    Random random;
    start(&random, arguments, photograph);
    switch (photograph->mistake) {
    case MISTAKE_CUT_PIXELS:
        *size = (size_t)((double)*size * random_between(&random, 0.5, 0.95));
        break;
    case MISTAKE_CUT_HEADER:
        *size = 1 + random_below(&random, (uint32_t)place_of(bytes, *size, 0x7FE0, 0x10));
        break;
    case MISTAKE_FLIPPED:
        flip_header(&random, dicom_is_implicit(aireadi_encoding(photograph)), bytes, *size);
        break;
    case MISTAKE_EMPTY:
        *size = 0;
        break;
    default:
        break;
    }
}
