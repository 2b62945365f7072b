/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom_decode.h"

#include "image/decode.h"
#include "image/dicom/coded.h"
#include "image/dicom/dicom_elements.h"
#include "image/dicom/jpeg2000.h"
#include "image/dicom/jpeg_ls.h"
#include "image/dicom/rle.h"
#include "image/pixels.h"

#include <stdlib.h>
#include <string.h>

/* The quotient rounded to a level, halves up. */
static uint8_t round_level(int numerator, int denominator) {
    if (numerator <= 0)
        return 0;
    int rounded = (2 * numerator + denominator) / (2 * denominator);
    return (uint8_t)(rounded < 255 ? rounded : 255);
}

/* PS3.3, C.7.6.3.1.2, solved for RGB: R = Y + 1.402 Cr, B = Y + 1.772 Cb, and Y = 0.299 R + 0.587 G + 0.114 B gives G.
 * In whole numbers, so that no compiler rounds differently. */
static void rgb_from_ybr_image(Image *image) {
    const size_t count = (size_t)image->width * (size_t)image->height;
    for (uint8_t *pixel = image->pixels; pixel < image->pixels + count * 3; pixel += 3) {
        int y = pixel[0], blue = pixel[1] - 128, red = pixel[2] - 128;
        pixel[0] = round_level(1000 * y + 1402 * red, 1000);
        pixel[1] = round_level(587000 * y - 114 * 1772 * blue - 299 * 1402 * red, 587000);
        pixel[2] = round_level(1000 * y + 1772 * blue, 1000);
    }
}

static void invert_image(Image *image) {
    size_t count = (size_t)image->width * (size_t)image->height * 3;
    for (size_t i = 0; i < count; i++)
        image->pixels[i] = (uint8_t)(255 - image->pixels[i]);
}

/* Y Y Cb Cr for every two pixels of a row, whose number is even. */
static void spread_422(const uint8_t *values, size_t count, uint8_t *pixel) {
    for (size_t i = 0; i < count; i++, pixel += 3) {
        const uint8_t *pair = values + i / 2 * 4;
        pixel[0] = pair[i % 2];
        pixel[1] = pair[2];
        pixel[2] = pair[3];
    }
}

/* Three values for each of `count` pixels: side by side, in planes, or one for all three. */
static void spread_samples(const Dicom *dicom, const uint8_t *values, size_t count, uint8_t *pixel) {
    bool grey = dicom->samples == 1, planar = dicom->planar;
    size_t step = grey || planar ? 1 : 3, apart = grey ? 0 : planar ? count : 1;
    for (size_t i = 0; i < count; i++, pixel += 3, values += step) {
        pixel[0] = values[0];
        pixel[1] = values[apart];
        pixel[2] = values[2 * apart];
    }
}

static Status decode_native(const DicomBytes *bytes, const Dicom *dicom, Image *image) {
    const size_t count = (size_t)dicom->rows * (size_t)dicom->columns;
    TRY(pixels_allocate(image, bytes->name, dicom->columns, dicom->rows));
    if (strcmp(dicom->photometric, "YBR_FULL_422") == 0)
        spread_422(bytes->data + bytes->at, count, image->pixels);
    else
        spread_samples(dicom, bytes->data + bytes->at, count, image->pixels);
    if (strncmp(dicom->photometric, "YBR", 3) == 0)
        rgb_from_ybr_image(image);
    return NULL;
}

/* Whether an image of that coding begins here. RLE has no mark. */
static bool begins_image(DicomCoding coding, const uint8_t *bytes, size_t size) {
    static const uint8_t codestream[] = {0xFF, 0x4F, 0xFF, 0x51};
    if (coding == DICOM_JPEG_2000)
        return size >= sizeof codestream && memcmp(bytes, codestream, sizeof codestream) == 0;
    return coding != DICOM_RLE && size >= 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
}

/* Visits the fragments after the offset table and copies them one after the other to `joined` unless that is NULL;
 * returns where the first begins, their bytes together and their number. */
static Status join_fragments(DicomBytes bytes, DicomCoding coding, uint8_t *joined, size_t *first, size_t *total,
                             int *count) {
    DicomElement item;
    bool more;
    *first = *total = 0;
    *count = 0;
    TRY(dicom_read_item(&bytes, &item, &more));
    if (!more || item.length % 4 || item.length > 4)
        return dicom_damaged(bytes.name, "the offset table at byte %zu is not one of a single frame", item.at);
    bytes.at += item.length;
    for (;;) {
        TRY(dicom_read_item(&bytes, &item, &more));
        if (!more)
            return NULL;
        /* The coded data of a JPEG or JPEG-LS never has D8 after FF; only a thumbnail could, if it began exactly here.
         * In JPEG 2000 such four bytes come by chance once in 4 billion. */
        if (*total && begins_image(coding, bytes.data + bytes.at, item.length))
            return dicom_damaged(bytes.name, "a second image begins at byte %zu, but the header says one frame",
                                 bytes.at);
        if (joined)
            memcpy(joined + *total, bytes.data + bytes.at, item.length);
        if (!*count)
            *first = bytes.at;
        bytes.at += item.length;
        *total += item.length;
        ++*count;
    }
}

static Status decode_jpeg(const Coded *coded, Dicom *dicom, int min_side, Image *image) {
    /* image_decode() would also decode a PNG. */
    if (!begins_image(DICOM_JPEG, coded->data, coded->size))
        return dicom_damaged(coded->name, "the pixel data is no JPEG, but the transfer syntax says JPEG");
    ImageDecode options = {.min_side = min_side, .components = coded->components, .as_stored = true};
    options.colours = strcmp(dicom->photometric, "RGB") == 0 ? IMAGE_COLOURS_RGB : IMAGE_COLOURS_YCBCR;
    ImageFacts facts;
    Status status = image_decode(coded->name, coded->data, coded->size, &options, image, &facts);
    dicom->coding_damaged = status != NULL;
    TRY(status);
    memcpy(dicom->warning, facts.warning, sizeof dicom->warning);
    if (facts.height != coded->height || facts.width != coded->width)
        return dicom_damaged(coded->name, "a JPEG of %d x %d pixels in an image of %d x %d", facts.width, facts.height,
                             coded->width, coded->height);
    return NULL;
}

static Status decode_coding(const Coded *coded, DicomCoding coding, uint8_t *pixels, bool *unsupported) {
    switch (coding) {
    case DICOM_JPEG_LS:
        return jpeg_ls_decode(coded, pixels);
    case DICOM_JPEG_2000:
        return jpeg2000_decode(coded, pixels, unsupported);
    default:
        return rle_decode(coded, pixels);
    }
}

/* The other codings leave colours as the tag says: YBR_RCT and YBR_ICT are the codestream's own transforms, which its
 * decoder has undone. */
static Status decode_others(const Coded *coded, Dicom *dicom, Image *image, bool *unsupported) {
    TRY(pixels_check_size(coded->name, (uint64_t)coded->width, (uint64_t)coded->height, coded->size));
    TRY(pixels_allocate(image, coded->name, coded->width, coded->height));
    Status status = decode_coding(coded, dicom->coding, image->pixels, unsupported);
    dicom->coding_damaged = status != NULL;
    if (!status && strncmp(dicom->photometric, "YBR_FULL", 8) == 0)
        rgb_from_ybr_image(image);
    return status;
}

static Status decode_coded(const char *name, const uint8_t *data, size_t size, int min_side, Dicom *dicom, Image *image,
                           bool *unsupported) {
    const Coded coded = {name, data, size, dicom->columns, dicom->rows, dicom->samples};
    return dicom->coding == DICOM_JPEG ? decode_jpeg(&coded, dicom, min_side, image)
                                       : decode_others(&coded, dicom, image, unsupported);
}

static Status decode_fragments(DicomBytes bytes, int min_side, Dicom *dicom, Image *image, bool *unsupported) {
    size_t first, total;
    int count;
    TRY(join_fragments(bytes, dicom->coding, NULL, &first, &total, &count));
    if (count == 1)
        return decode_coded(bytes.name, bytes.data + first, total, min_side, dicom, image, unsupported);
    if (!total)
        return dicom_damaged(bytes.name, "no fragment of pixel data");
    uint8_t *joined = malloc(total);
    if (!joined)
        return status_no_memory(bytes.name, total);
    Status status = join_fragments(bytes, dicom->coding, joined, &first, &total, &count);
    if (!status)
        status = decode_coded(bytes.name, joined, total, min_side, dicom, image, unsupported);
    free(joined);
    return status;
}

Status dicom_decode(const char *name, const uint8_t *data, size_t size, int min_side, Image *image, Dicom *dicom,
                    bool *unsupported) {
    *image = (Image){0};
    TRY(dicom_parse(name, data, size, dicom, unsupported));
    const DicomBytes bytes = {.name = name,
                              .data = dicom->inflated ? dicom->inflated : data,
                              .size = dicom->pixels_at + dicom->pixels_bytes,
                              .at = dicom->pixels_at};
    Status status = dicom->coding == DICOM_NATIVE ? decode_native(&bytes, dicom, image)
                                                  : decode_fragments(bytes, min_side, dicom, image, unsupported);
    free(dicom->inflated);
    dicom->inflated = NULL;
    if (status)
        image_free(image);
    else if (strcmp(dicom->photometric, "MONOCHROME1") == 0)
        invert_image(image);
    return status;
}
