/* Writes DICOM files into memory, sound ones and such as nobody should. Include after cmocka.h. */
#ifndef FOVEA_TEST_DICOM_MAKE_H
#define FOVEA_TEST_DICOM_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SYNTAX_IMPLICIT "1.2.840.10008.1.2"
#define SYNTAX_EXPLICIT "1.2.840.10008.1.2.1"
#define SYNTAX_JPEG "1.2.840.10008.1.2.4.50"
#define OPHTHALMIC "1.2.840.10008.5.1.4.1.1.77.1.5.1"

enum { UNDEFINED = -1, ITEM = 0xFFFEE000, ITEM_END = 0xFFFEE00D, SEQUENCE_END = 0xFFFEE0DD };

typedef struct {
    uint8_t *data;
    size_t size, room;
    bool implicit;
} Writer;

static inline void put(Writer *out, const void *bytes, size_t count) {
    if (out->size + count > out->room) {
        out->room = (out->size + count) * 2;
        out->data = realloc(out->data, out->room);
        assert_non_null(out->data);
    }
    if (count)
        memcpy(out->data + out->size, bytes, count);
    out->size += count;
}

static inline void put_u16(Writer *out, unsigned value) {
    put(out, (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

static inline void put_u32(Writer *out, uint32_t value) {
    put_u16(out, value & 0xFFFF);
    put_u16(out, value >> 16);
}

/* Tag, VR and length; items and delimiters have no VR. */
static inline void put_header(Writer *out, uint32_t tag, const char *vr, long length) {
    put_u16(out, tag >> 16);
    put_u16(out, tag & 0xFFFF);
    if (out->implicit || tag >> 16 == 0xFFFE) {
        put_u32(out, (uint32_t)length);
        return;
    }
    put(out, vr, 2);
    if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr)) {
        put_u16(out, 0);
        put_u32(out, (uint32_t)length);
    } else
        put_u16(out, (unsigned)length);
}

static inline void put_value(Writer *out, uint32_t tag, const char *vr, const void *value, size_t length) {
    put_header(out, tag, vr, (long)length);
    put(out, value, length);
}

/* Padded to an even length: UIDs with a NUL, the rest with a space. */
static inline void put_text(Writer *out, uint32_t tag, const char *vr, const char *text) {
    size_t length = strlen(text);
    put_header(out, tag, vr, (long)(length + length % 2));
    put(out, text, length);
    put(out, strcmp(vr, "UI") == 0 ? "\0" : " ", length % 2);
}

static inline void put_number(Writer *out, uint32_t tag, int value) {
    put_header(out, tag, "US", 2);
    put_u16(out, (unsigned)value);
}

typedef struct {
    const char *syntax, *photometric;
    int rows, columns, samples;
    const uint8_t *pixels; /* native values, or a JPEG */
    size_t pixels_bytes;
    /* What stays 0 is as most files have it. */
    int planar, allocated, stored, high_bit, representation; /* 8, 8, 7 for 0 */
    const char *frames;                                      /* NULL: not written */
    const char *vr;                                          /* of the pixel data; NULL: OB, or OW without VRs */
    long length;                                             /* of the pixel data as claimed; 0: the right one */
    uint32_t without[4];                                     /* tags that are not written */
    bool crowded;                                            /* sequences, private elements, an icon */
    int fragments;                                           /* of a JPEG; 0: one */
    int table;                                               /* entries in the offset table */
    const char *patient;                                     /* NULL: 1001 */
    const char *laterality, *series_laterality;              /* NULL: not written */
} DicomKind;

static inline bool is_written(const DicomKind *kind, uint32_t tag) {
    for (int i = 0; i < 4; i++)
        if (kind->without[i] == tag)
            return false;
    return true;
}

static inline void put_number_of(Writer *out, const DicomKind *kind, uint32_t tag, int value) {
    if (is_written(kind, tag))
        put_number(out, tag, value);
}

static inline void put_meta(Writer *out, const DicomKind *kind) {
    uint8_t preamble[128] = {0};
    put(out, preamble, sizeof preamble);
    put(out, "DICM", 4);
    put_header(out, 0x00020000, "UL", 4);
    put_u32(out, 0); /* nobody relies on it: it is wrong in too many files */
    put_value(out, 0x00020001, "OB", "\0\1", 2);
    put_text(out, 0x00020002, "UI", "1.2.3.4"); /* the instance's UID, as some cameras have it */
    if (is_written(kind, 0x00020010))
        put_text(out, 0x00020010, "UI", kind->syntax);
}

/* What says otherwise of the picture, and does not count. */
static inline void put_misleading(Writer *out) {
    put_number(out, 0x00280002, 1);
    put_text(out, 0x00280004, "CS", "MONOCHROME1");
    put_text(out, 0x00280008, "IS", "17");
    put_number(out, 0x00280010, 2);
    put_number(out, 0x00280011, 2);
    put_number(out, 0x00280100, 16);
}

/* A sequence of two items, of defined or undefined length, the second with a sequence of its own. */
static inline void put_sequence(Writer *out, uint32_t tag, const char *vr, bool undefined) {
    Writer item = {.implicit = out->implicit || strcmp(vr, "UN") == 0};
    put_misleading(&item);
    size_t inner = item.size;
    put_header(&item, 0x00400008, "SQ", UNDEFINED);
    put_header(&item, ITEM, "", UNDEFINED);
    put_misleading(&item);
    put_header(&item, ITEM_END, "", 0);
    put_header(&item, ITEM, "", 0);
    put_header(&item, SEQUENCE_END, "", 0);
    size_t lengths = undefined ? 8 + inner + 8 + 8 + item.size : 8 + inner + 8 + item.size;
    put_header(out, tag, vr, undefined ? UNDEFINED : (long)lengths);
    put_header(out, ITEM, "", undefined ? UNDEFINED : (long)inner);
    put(out, item.data, inner);
    if (undefined)
        put_header(out, ITEM_END, "", 0);
    put_header(out, ITEM, "", (long)item.size);
    put(out, item.data, item.size);
    if (undefined)
        put_header(out, SEQUENCE_END, "", 0);
    free(item.data);
}

/* A sequence with a small picture of its own, compressed where the file has VRs. */
static inline void put_icon(Writer *out) {
    put_header(out, 0x00880200, "SQ", UNDEFINED);
    put_header(out, ITEM, "", UNDEFINED);
    put_misleading(out);
    put_header(out, 0x7FE00010, "OB", UNDEFINED);
    put_header(out, ITEM, "", 0);
    put_value(out, ITEM, "", "\xFE\xFF\x0D\xE0\0\0\0\0", 8); /* a delimiter's bytes, and none */
    put_header(out, SEQUENCE_END, "", 0);
    put_header(out, ITEM_END, "", 0);
    put_header(out, SEQUENCE_END, "", 0);
}

static inline void put_identity(Writer *out, const DicomKind *kind) {
    put_text(out, 0x00080016, "UI", OPHTHALMIC);
    put_text(out, 0x00080018, "UI", "1.2.3.4");
    put_text(out, 0x00080060, "CS", "OP");
    if (kind->crowded) {
        put_sequence(out, 0x00082218, "SQ", false);
        put_text(out, 0x00090010, "LO", "ACME 1.1");
        put_value(out, 0x00091001, "UN", "\1\2\3", 3); /* an odd length */
        put_sequence(out, 0x00091002, "UN", true);     /* a private sequence: without VRs, whatever the file has */
        put_value(out, 0x00091003, "OB", "\0\1\2\3", 4);
    }
    put_text(out, 0x00100020, "LO", kind->patient ? kind->patient : "1001");
    put_text(out, 0x00104000, "LT", "");
    if (kind->crowded) {
        put_sequence(out, 0x00220015, "SQ", true);
        put_value(out, 0x00220016, "UT", "unlimited text", 14);
    }
}

static inline void put_picture(Writer *out, const DicomKind *kind) {
    if (kind->series_laterality)
        put_text(out, 0x00200060, "CS", kind->series_laterality);
    if (kind->laterality)
        put_text(out, 0x00200062, "CS", kind->laterality);
    put_number_of(out, kind, 0x00280002, kind->samples);
    if (is_written(kind, 0x00280004))
        put_text(out, 0x00280004, "CS", kind->photometric);
    if (kind->samples > 1)
        put_number_of(out, kind, 0x00280006, kind->planar);
    if (kind->frames)
        put_text(out, 0x00280008, "IS", kind->frames);
    put_number_of(out, kind, 0x00280010, kind->rows);
    put_number_of(out, kind, 0x00280011, kind->columns);
    put_number_of(out, kind, 0x00280100, kind->allocated ? kind->allocated : 8);
    put_number_of(out, kind, 0x00280101, kind->stored ? kind->stored : 8);
    put_number_of(out, kind, 0x00280102, kind->high_bit ? kind->high_bit : 7);
    put_number_of(out, kind, 0x00280103, kind->representation);
    if (kind->crowded)
        put_icon(out);
}

static inline void put_fragments(Writer *out, const DicomKind *kind) {
    put_header(out, 0x7FE00010, kind->vr ? kind->vr : "OB", kind->length ? kind->length : UNDEFINED);
    put_header(out, ITEM, "", 4 * kind->table);
    for (int i = 0; i < kind->table; i++)
        put_u32(out, (uint32_t)i);
    size_t count = kind->fragments ? (size_t)kind->fragments : 1, done = 0;
    for (size_t i = 0; i < count; i++) {
        size_t end = i == count - 1 ? kind->pixels_bytes : kind->pixels_bytes * (i + 1) / count / 2 * 2;
        put_header(out, ITEM, "", (long)(end - done + (end - done) % 2));
        put(out, kind->pixels + done, end - done);
        put(out, "\0", (end - done) % 2);
        done = end;
    }
    put_header(out, SEQUENCE_END, "", 0);
}

/* A whole file; the caller's. Pixel data ends `*tail` bytes before the end. */
static inline uint8_t *make_dicom(const DicomKind *kind, size_t *size, size_t *tail) {
    Writer out = {0};
    put_meta(&out, kind);
    out.implicit = strcmp(kind->syntax, SYNTAX_IMPLICIT) == 0;
    put_identity(&out, kind);
    put_picture(&out, kind);
    size_t bytes = kind->pixels_bytes;
    if (is_written(kind, 0x7FE00010) && strcmp(kind->syntax, SYNTAX_JPEG) == 0)
        put_fragments(&out, kind);
    else if (is_written(kind, 0x7FE00010)) {
        put_header(&out, 0x7FE00010, kind->vr ? kind->vr : "OB",
                   kind->length ? kind->length : (long)(bytes + bytes % 2));
        put(&out, kind->pixels, bytes);
        put(&out, "\0", bytes % 2);
    }
    size_t before = out.size;
    if (kind->crowded)
        put_value(&out, 0xFFFCFFFC, "OB", "\0\0\0\0", 4);
    *size = out.size;
    *tail = out.size - before;
    /* Not a byte more than the file has, so that a sanitizer sees what is read beyond. */
    uint8_t *exact = realloc(out.data, out.size);
    assert_non_null(exact);
    return exact;
}

#endif
