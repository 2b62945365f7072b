/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/dicom_write.h"
#include "image/encode.h"
#include "image/image.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SOP_CLASS[] = "1.2.840.10008.5.1.4.1.1.77.1.5.1"; /* Ophthalmic Photography 8 Bit */
static const uint32_t UNDEFINED = 0xFFFFFFFF;

static void put16(FILE *out, unsigned value) {
    fputc((int)(value & 255), out);
    fputc((int)(value >> 8 & 255), out);
}

static void put32(FILE *out, uint32_t value) {
    put16(out, value & 0xFFFF);
    put16(out, value >> 16);
}

/* Tag, value representation and length; VR NULL: implicit, or an item. */
static void put_head(FILE *out, unsigned group, unsigned element, const char *vr, uint32_t length) {
    put16(out, group);
    put16(out, element);
    if (!vr) {
        put32(out, length);
        return;
    }
    fputs(vr, out);
    if (strstr("OB OW SQ UN", vr)) {
        put16(out, 0);
        put32(out, length);
    } else {
        put16(out, length);
    }
}

static void put_text(FILE *out, bool implicit, unsigned group, unsigned element, const char *vr, const char *text) {
    const size_t length = strlen(text);
    put_head(out, group, element, implicit ? NULL : vr, (uint32_t)(length + length % 2));
    fputs(text, out);
    if (length % 2)
        fputc(strcmp(vr, "UI") ? ' ' : '\0', out);
}

static void put_number(FILE *out, bool implicit, unsigned element, unsigned value) {
    put_head(out, 0x28, element, implicit ? NULL : "US", 2);
    put16(out, value);
}

static const char *syntax_of(Encoding encoding) {
    switch (encoding) {
    case ENCODING_IMPLICIT_RGB:
    case ENCODING_MONOCHROME1:
        return "1.2.840.10008.1.2";
    case ENCODING_JPEG:
    case ENCODING_JPEG_PIECES:
        return "1.2.840.10008.1.2.4.50";
    case ENCODING_LOSSLESS_JPEG:
        return "1.2.840.10008.1.2.4.70";
    case ENCODING_HT_JPEG2000:
        return "1.2.840.10008.1.2.4.203";
    default:
        return "1.2.840.10008.1.2.1";
    }
}

bool dicom_is_implicit(Encoding encoding) {
    return encoding == ENCODING_IMPLICIT_RGB || encoding == ENCODING_MONOCHROME1;
}

bool dicom_is_jpeg(Encoding encoding) {
    return encoding == ENCODING_JPEG || encoding == ENCODING_JPEG_PIECES;
}

static bool is_grey(Encoding encoding) {
    return encoding == ENCODING_MONOCHROME1 || encoding == ENCODING_MONOCHROME2;
}

/* What comes before the data set, always explicit. Its length is counted by writing it first. */
static Status put_meta(FILE *out, const DicomImage *image) {
    char *text = NULL;
    size_t size = 0;
    FILE *meta = open_memstream(&text, &size);
    if (!meta)
        return status_no_memory("a DICOM file", 512);
    put_head(meta, 2, 1, "OB", 2);
    put16(meta, 0x0100);
    put_text(meta, false, 2, 2, "UI", SOP_CLASS);
    put_text(meta, false, 2, 3, "UI", image->uid);
    put_text(meta, false, 2, 0x10, "UI", syntax_of(image->encoding));
    put_text(meta, false, 2, 0x12, "UI", "2.25.1");
    if (fclose(meta)) {
        free(text);
        return status_no_memory("a DICOM file", 512);
    }
    for (int i = 0; i < 128; i++)
        fputc(0, out);
    fputs("DICM", out);
    put_head(out, 2, 0, "UL", 4);
    put32(out, (uint32_t)size);
    fwrite(text, 1, size, out);
    free(text);
    return NULL;
}

/* A sequence of undefined length with a code in it, as such files have before their pixels. */
static void put_region(FILE *out, bool implicit) {
    put_head(out, 8, 0x2218, implicit ? NULL : "SQ", UNDEFINED);
    put_head(out, 0xFFFE, 0xE000, NULL, UNDEFINED);
    put_text(out, implicit, 8, 0x100, "SH", "T-AA610");
    put_text(out, implicit, 8, 0x104, "LO", "Retina");
    put_head(out, 0xFFFE, 0xE00D, NULL, 0);
    put_head(out, 0xFFFE, 0xE0DD, NULL, 0);
}

static void put_about(FILE *out, const DicomImage *image) {
    static const char *const photometric[] = {"RGB",          "RGB",          "RGB", "MONOCHROME2", "MONOCHROME1",
                                              "YBR_FULL_422", "YBR_FULL_422", "RGB", "YBR_ICT"};
    const bool implicit = dicom_is_implicit(image->encoding), grey = is_grey(image->encoding);
    put_text(out, implicit, 8, 0x16, "UI", SOP_CLASS);
    put_text(out, implicit, 8, 0x18, "UI", image->uid);
    put_text(out, implicit, 8, 0x60, "CS", "OP");
    put_region(out, implicit);
    put_text(out, implicit, 0x10, 0x20, "LO", image->person);
    put_text(out, implicit, 0x10, 0x40, "CS", "M");
    put_text(out, implicit, 0x20, 0x62, "CS", image->left ? "L" : "R");
    put_number(out, implicit, 2, grey ? 1 : 3);
    put_text(out, implicit, 0x28, 4, "CS", photometric[image->encoding]);
    if (!grey)
        put_number(out, implicit, 6, image->encoding == ENCODING_PLANAR_RGB);
    put_number(out, implicit, 0x10, (unsigned)image->height);
    put_number(out, implicit, 0x11, (unsigned)image->width);
    put_number(out, implicit, 0x100, 8);
    put_number(out, implicit, 0x101, 8);
    put_number(out, implicit, 0x102, 7);
    put_number(out, implicit, 0x103, 0);
}

static void put_native(FILE *out, const DicomImage *image) {
    const size_t count = (size_t)image->width * (size_t)(image->height * image->keep);
    const bool grey = is_grey(image->encoding);
    const size_t bytes = grey ? count : 3 * count;
    put_head(out, 0x7FE0, 0x10,
             dicom_is_implicit(image->encoding) ? NULL
             : grey                             ? "OB"
                                                : "OW",
             (uint32_t)(bytes + bytes % 2));
    if (image->encoding == ENCODING_PLANAR_RGB) {
        for (int channel = 0; channel < 3; channel++)
            for (size_t i = 0; i < count; i++)
                fputc(image->pixels[3 * i + (size_t)channel], out);
    } else if (grey) {
        for (size_t i = 0; i < count; i++)
            fputc(image->encoding == ENCODING_MONOCHROME1 ? 255 - image->pixels[3 * i + 1] : image->pixels[3 * i + 1],
                  out);
    } else {
        fwrite(image->pixels, 1, bytes, out);
    }
    if (bytes % 2)
        fputc(0, out);
}

/* Fragments of even length; the last byte of an odd one is padding. */
static void put_fragments(FILE *out, const uint8_t *bytes, size_t size, size_t each) {
    put_head(out, 0x7FE0, 0x10, "OB", UNDEFINED);
    put_head(out, 0xFFFE, 0xE000, NULL, 0); /* the offset table, empty */
    for (size_t at = 0; at < size; at += each) {
        const size_t length = size - at < each ? size - at : each;
        put_head(out, 0xFFFE, 0xE000, NULL, (uint32_t)(length + length % 2));
        fwrite(bytes + at, 1, length, out);
        if (length % 2)
            fputc(0, out);
    }
    put_head(out, 0xFFFE, 0xE0DD, NULL, 0);
}

static Status put_jpeg(FILE *out, const DicomImage *image) {
    enum { PIECE = 1000 };
    uint8_t *bytes;
    size_t size;
    TRY(image_encode_jpeg(image->uid, image->pixels, image->width, image->height, image->quality, &bytes, &size));
    size = (size_t)((double)size * image->keep);
    put_fragments(out, bytes, size, image->encoding == ENCODING_JPEG_PIECES ? PIECE : size);
    free(bytes);
    return NULL;
}

static Status put_pixels(FILE *out, const DicomImage *image) {
    if (dicom_is_jpeg(image->encoding))
        return put_jpeg(out, image);
    if (image->encoding == ENCODING_LOSSLESS_JPEG || image->encoding == ENCODING_HT_JPEG2000)
        put_fragments(out, image->pixels, 3 * (size_t)image->width * (size_t)image->height,
                      3 * (size_t)image->width * (size_t)image->height);
    else
        put_native(out, image);
    return NULL;
}

Status dicom_write(const DicomImage *image, uint8_t **bytes, size_t *size) {
    char *text = NULL;
    *bytes = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return status_no_memory("a DICOM file", 4096);
    Status status = put_meta(out, image);
    put_about(out, image);
    if (!status)
        status = put_pixels(out, image);
    if (fclose(out) && !status)
        status = status_no_memory("a DICOM file", *size);
    if (status)
        free(text);
    else
        *bytes = (uint8_t *)text;
    return status;
}
