/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/dicom_elements.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ITEM = 0xE000, ITEM_END = 0xE00D, SEQUENCE_END = 0xE0DD, DELIMITERS = 0xFFFE };

Status dicom_damaged(const char *name, const char *format, ...) {
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return status_error(EXIT_DATA, "%s: damaged DICOM: %s", name, what);
}

uint16_t dicom_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t read_u32(const uint8_t *bytes) {
    return dicom_u16(bytes) | (uint32_t)dicom_u16(bytes + 2) << 16;
}

/* VRs whose length has 16 bits; all others, future ones too, have 32 (PS3.5, 7.1.2). */
static bool has_short_length(const char *vr) {
    static const char *const names[] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO",
                                        "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(vr, names[i]) == 0)
            return true;
    return false;
}

static Status need_bytes(const DicomBytes *bytes, size_t count, size_t from) {
    if (bytes->size - bytes->at < count)
        return dicom_damaged(bytes->name, "cut short: it ends within the element at byte %zu", from);
    return NULL;
}

/* The length after an explicit VR. */
static Status read_explicit(DicomBytes *bytes, DicomElement *element) {
    memcpy(element->vr, bytes->data + bytes->at, 2);
    for (int i = 0; i < 2; i++)
        if (element->vr[i] < 'A' || element->vr[i] > 'Z')
            return dicom_damaged(bytes->name, "no value representation after the tag (%04x,%04x) at byte %zu",
                                 element->tag >> 16, element->tag & 0xFFFF, element->at);
    if (has_short_length(element->vr)) {
        element->length = dicom_u16(bytes->data + bytes->at + 2);
        bytes->at += 4;
        return NULL;
    }
    TRY(need_bytes(bytes, 8, element->at));
    element->length = read_u32(bytes->data + bytes->at + 4);
    bytes->at += 8;
    return NULL;
}

Status dicom_read_element(DicomBytes *bytes, bool implicit, DicomElement *element) {
    *element = (DicomElement){.at = bytes->at};
    TRY(need_bytes(bytes, 8, element->at));
    const uint8_t *header = bytes->data + bytes->at;
    element->tag = (uint32_t)dicom_u16(header) << 16 | dicom_u16(header + 2);
    bytes->at += 4;
    if (implicit || element->tag >> 16 == DELIMITERS) {
        element->length = read_u32(header + 4);
        bytes->at += 4;
    } else
        TRY(read_explicit(bytes, element));
    size_t left = bytes->size - bytes->at;
    if (element->length != DICOM_UNDEFINED_LENGTH && element->length > left)
        return dicom_damaged(bytes->name, "cut short: (%04x,%04x) at byte %zu has %u bytes, but %zu are left",
                             element->tag >> 16, element->tag & 0xFFFF, element->at, element->length, left);
    return NULL;
}

Status dicom_read_item(DicomBytes *bytes, DicomElement *item, bool *more) {
    TRY(dicom_read_element(bytes, true, item));
    *more = item->tag == ((uint32_t)DELIMITERS << 16 | ITEM);
    if (!*more && item->tag != ((uint32_t)DELIMITERS << 16 | SEQUENCE_END))
        return dicom_damaged(bytes->name, "(%04x,%04x) at byte %zu, where an item should begin", item->tag >> 16,
                             item->tag & 0xFFFF, item->at);
    if (!*more && item->length)
        return dicom_damaged(bytes->name, "the end of a sequence at byte %zu has a length", item->at);
    return NULL;
}

Status dicom_skip_fragments(DicomBytes *bytes) {
    for (;;) {
        DicomElement item;
        bool more;
        TRY(dicom_read_item(bytes, &item, &more));
        if (!more)
            return NULL;
        if (item.length == DICOM_UNDEFINED_LENGTH)
            return dicom_damaged(bytes->name, "a fragment of undefined length at byte %zu", item.at);
        bytes->at += item.length;
    }
}

static Status skip_value(DicomBytes *bytes, bool implicit, const DicomElement *element, int depth);

/* The elements of an item of undefined length, and its end. */
static Status skip_item(DicomBytes *bytes, bool implicit, int depth) {
    for (;;) {
        DicomElement element;
        TRY(dicom_read_element(bytes, implicit, &element));
        if (element.tag == ((uint32_t)DELIMITERS << 16 | ITEM_END) && !element.length)
            return NULL;
        TRY(skip_value(bytes, implicit, &element, depth));
    }
}

static Status skip_sequence(DicomBytes *bytes, bool implicit, int depth) {
    for (;;) {
        DicomElement item;
        bool more;
        TRY(dicom_read_item(bytes, &item, &more));
        if (!more)
            return NULL;
        if (item.length == DICOM_UNDEFINED_LENGTH)
            TRY(skip_item(bytes, implicit, depth + 1));
        else
            bytes->at += item.length;
    }
}

static Status skip_value(DicomBytes *bytes, bool implicit, const DicomElement *element, int depth) {
    if (element->tag >> 16 == DELIMITERS)
        return dicom_damaged(bytes->name, "(%04x,%04x) at byte %zu, outside any sequence", element->tag >> 16,
                             element->tag & 0xFFFF, element->at);
    if (element->length != DICOM_UNDEFINED_LENGTH) {
        bytes->at += element->length;
        return NULL;
    }
    if (depth >= DICOM_MAX_DEPTH)
        return dicom_damaged(bytes->name, "sequences nested deeper than %d at byte %zu", DICOM_MAX_DEPTH, element->at);
    if (element->tag == DICOM_PIXEL_DATA) /* an icon's, within a sequence */
        return dicom_skip_fragments(bytes);
    bool unknown = strcmp(element->vr, "UN") == 0;
    if (!implicit && !unknown && strcmp(element->vr, "SQ") != 0)
        return dicom_damaged(bytes->name, "(%04x,%04x) %s of undefined length at byte %zu", element->tag >> 16,
                             element->tag & 0xFFFF, element->vr, element->at);
    /* An unknown value of undefined length is a sequence without VRs (PS3.5, 6.2.2, note 2). */
    return skip_sequence(bytes, implicit || unknown, depth);
}

Status dicom_skip_value(DicomBytes *bytes, bool implicit, const DicomElement *element) {
    return skip_value(bytes, implicit, element, 0);
}
