/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom_decode.h"

#include "image/decode.h"
#include "image/dicom_elements.h"

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
static void rgb_from_ybr(uint8_t *pixel) {
    int y = pixel[0], blue = pixel[1] - 128, red = pixel[2] - 128;
    pixel[0] = round_level(1000 * y + 1402 * red, 1000);
    pixel[1] = round_level(587000 * y - 114 * 1772 * blue - 299 * 1402 * red, 587000);
    pixel[2] = round_level(1000 * y + 1772 * blue, 1000);
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

static Status decode_native(const char *name, const uint8_t *data, const Dicom *dicom, Image *image) {
    size_t count = (size_t)dicom->rows * (size_t)dicom->columns;
    image->pixels = malloc(count * 3);
    if (!image->pixels)
        return status_no_memory(name, count * 3);
    image->width = dicom->columns;
    image->height = dicom->rows;
    if (strcmp(dicom->photometric, "YBR_FULL_422") == 0)
        spread_422(data + dicom->pixels_at, count, image->pixels);
    else
        spread_samples(dicom, data + dicom->pixels_at, count, image->pixels);
    bool ybr = strncmp(dicom->photometric, "YBR", 3) == 0;
    for (size_t i = 0; ybr && i < count; i++)
        rgb_from_ybr(image->pixels + i * 3);
    return NULL;
}

static bool begins_jpeg(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
}

/* Visits the fragments after the offset table and copies them one after the other to `joined` unless that is NULL;
 * returns where the first begins, their bytes together and their number. */
static Status join_fragments(DicomBytes bytes, uint8_t *joined, size_t *first, size_t *total, int *count) {
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
        /* A JPEG's coded data never has D8 after FF; only its thumbnail could, if it began exactly here. */
        if (*total && begins_jpeg(bytes.data + bytes.at, item.length))
            return dicom_damaged(bytes.name, "a second JPEG begins at byte %zu, but the header says one frame",
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

static Status decode_jpeg(const char *name, const uint8_t *jpeg, size_t size, int min_side, Dicom *dicom,
                          Image *image) {
    /* image_decode() would also decode a PNG. */
    if (!begins_jpeg(jpeg, size))
        return dicom_damaged(name, "the pixel data is no JPEG, but the transfer syntax says JPEG");
    ImageDecode options = {.min_side = min_side, .components = dicom->samples};
    options.colours = strcmp(dicom->photometric, "RGB") == 0 ? IMAGE_COLOURS_RGB : IMAGE_COLOURS_YCBCR;
    int height, width;
    Status status = image_decode(name, jpeg, size, &options, image, &height, &width);
    dicom->jpeg_damaged = status != NULL;
    TRY(status);
    if (height != dicom->rows || width != dicom->columns)
        return dicom_damaged(name, "a JPEG of %d x %d pixels in an image of %d x %d", width, height, dicom->columns,
                             dicom->rows);
    return NULL;
}

static Status decode_fragments(const char *name, const uint8_t *data, int min_side, Dicom *dicom, Image *image) {
    DicomBytes bytes = {
        .name = name, .data = data, .size = dicom->pixels_at + dicom->pixels_bytes, .at = dicom->pixels_at};
    size_t first, total;
    int count;
    TRY(join_fragments(bytes, NULL, &first, &total, &count));
    if (count == 1)
        return decode_jpeg(name, data + first, total, min_side, dicom, image);
    if (!total)
        return dicom_damaged(name, "no fragment of pixel data");
    uint8_t *joined = malloc(total);
    if (!joined)
        return status_no_memory(name, total);
    Status status = join_fragments(bytes, joined, &first, &total, &count);
    if (!status)
        status = decode_jpeg(name, joined, total, min_side, dicom, image);
    free(joined);
    return status;
}

Status dicom_decode(const char *name, const uint8_t *data, size_t size, int min_side, Image *image, Dicom *dicom,
                    bool *unsupported) {
    *image = (Image){0};
    TRY(dicom_parse(name, data, size, dicom, unsupported));
    Status status;
    if (dicom->encapsulated)
        status = decode_fragments(name, data, min_side, dicom, image);
    else
        status = decode_native(name, data, dicom, image);
    if (status)
        image_free(image);
    else if (strcmp(dicom->photometric, "MONOCHROME1") == 0)
        invert_image(image);
    return status;
}
