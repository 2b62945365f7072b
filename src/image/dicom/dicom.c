/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom.h"

#include "image/dicom/dicom_elements.h"
#include "image/dicom/dicom_inflate.h"
#include "image/dicom_syntax.h"

#include <stdlib.h>
#include <string.h>

enum {
    PREAMBLE = 128,
    MAX_SIDE = 20000,       /* as image_read() */
    MAX_INFLATED = 1 << 30, /* no larger file is read, either */
    TRANSFER_SYNTAX = 0x00020010,
    SOP_CLASS = 0x00080016,
    SOP_INSTANCE = 0x00080018,
    PATIENT = 0x00100020,
    LATERALITY = 0x00200060,
    IMAGE_LATERALITY = 0x00200062,
    SAMPLES = 0x00280002,
    PHOTOMETRIC = 0x00280004,
    PLANAR = 0x00280006,
    FRAMES = 0x00280008,
    ROWS = 0x00280010,
    COLUMNS = 0x00280011,
    BITS_ALLOCATED = 0x00280100,
    BITS_STORED = 0x00280101,
    HIGH_BIT = 0x00280102,
    PIXEL_REPRESENTATION = 0x00280103,
    ENCAPSULATED_DOCUMENT = 0x00420011,
    FLOAT_PIXELS = 0x7FE00008,
    DOUBLE_PIXELS = 0x7FE00009,
    ABSENT = -1
};

/* UIDs only identify the file, so anything printable without spaces is allowed in them. */
static bool is_allowed(uint8_t byte, bool uid) {
    if (uid)
        return byte > ' ' && byte < 0x7F;
    return (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == ' ';
}

/* A UID, padded with a NUL, or a code string, padded with spaces; some writers use the other's padding. */
static Status read_text(DicomBytes *bytes, const DicomElement *element, bool uid, char *text, size_t capacity) {
    const uint8_t *value = bytes->data + bytes->at;
    size_t length = element->length;
    while (length && (value[length - 1] == '\0' || value[length - 1] == ' '))
        length--;
    for (; length && *value == ' '; length--)
        value++;
    bool fine = length < capacity;
    for (size_t i = 0; fine && i < length; i++)
        fine = is_allowed(value[i], uid);
    if (!fine)
        return dicom_damaged(bytes->name, "(%04x,%04x) at byte %zu holds no %s", element->tag >> 16,
                             element->tag & 0xFFFF, element->at, uid ? "UID" : "code");
    memcpy(text, value, length);
    text[length] = '\0';
    return NULL;
}

/* The file is usable without it, so an odd text is read as an empty one. */
static void read_patient(const DicomBytes *bytes, const DicomElement *element, Dicom *dicom) {
    const uint8_t *value = bytes->data + bytes->at;
    size_t length = element->length;
    for (; length && (value[length - 1] == ' ' || value[length - 1] == '\0'); length--)
        ;
    bool fine = length < sizeof dicom->patient;
    for (size_t i = 0; fine && i < length; i++)
        fine = value[i] >= ' ' && value[i] < 0x7F;
    memcpy(dicom->patient, value, fine ? length : 0);
    dicom->patient[fine ? length : 0] = '\0';
}

static void read_laterality(const DicomBytes *bytes, const DicomElement *element, Dicom *dicom) {
    const char side = element->length ? (char)bytes->data[bytes->at] : '\0';
    if (side)
        dicom->laterality = (char)(side == 'R' || side == 'L' ? side : '\0');
}

static Status read_number(DicomBytes *bytes, const DicomElement *element, int *number) {
    if (element->length != 2)
        return dicom_damaged(bytes->name, "(%04x,%04x) at byte %zu holds %u bytes, not one number of 2",
                             element->tag >> 16, element->tag & 0xFFFF, element->at, element->length);
    *number = dicom_u16(bytes->data + bytes->at);
    return NULL;
}

/* A count in decimal digits, padded with spaces; an empty text is one frame. */
static Status read_frames(DicomBytes *bytes, const DicomElement *element, int *frames) {
    enum { MAX_FRAMES = 1000000000 };
    const uint8_t *value = bytes->data + bytes->at;
    size_t length = element->length, digits = 0;
    for (; length && (value[length - 1] == ' ' || value[length - 1] == '\0'); length--)
        ;
    for (; length && *value == ' '; length--)
        value++;
    long long count = 0;
    for (; digits < length && value[digits] >= '0' && value[digits] <= '9' && count < MAX_FRAMES; digits++)
        count = count * 10 + value[digits] - '0';
    if (digits < length || count > MAX_FRAMES || (digits && !count))
        return dicom_damaged(bytes->name, "(0028,0008) at byte %zu holds no number of frames", element->at);
    *frames = digits ? (int)count : 1;
    return NULL;
}

/* Stores the value of an element that is needed; the reading position does not move. */
static Status store_value(DicomBytes *bytes, const DicomElement *element, Dicom *dicom) {
    int sign = 0;
    switch (element->tag) {
    case SOP_CLASS:
        return read_text(bytes, element, true, dicom->sop_class, sizeof dicom->sop_class);
    case SOP_INSTANCE:
        return read_text(bytes, element, true, dicom->sop_instance, sizeof dicom->sop_instance);
    case PATIENT:
        read_patient(bytes, element, dicom);
        return NULL;
    case LATERALITY: /* the series'; the image's own follows and overrides it */
    case IMAGE_LATERALITY:
        read_laterality(bytes, element, dicom);
        return NULL;
    case PHOTOMETRIC:
        return read_text(bytes, element, false, dicom->photometric, sizeof dicom->photometric);
    case FRAMES:
        return read_frames(bytes, element, &dicom->frames);
    case SAMPLES:
        return read_number(bytes, element, &dicom->samples);
    case PLANAR:
        return read_number(bytes, element, &dicom->planar);
    case ROWS:
        return read_number(bytes, element, &dicom->rows);
    case COLUMNS:
        return read_number(bytes, element, &dicom->columns);
    case BITS_ALLOCATED:
        return read_number(bytes, element, &dicom->bits_allocated);
    case BITS_STORED:
        return read_number(bytes, element, &dicom->bits_stored);
    case HIGH_BIT:
        return read_number(bytes, element, &dicom->high_bit);
    case PIXEL_REPRESENTATION:
        TRY(read_number(bytes, element, &sign));
        dicom->is_signed = sign != 0;
        return NULL;
    default:
        return NULL;
    }
}

/* Group 2, always with explicit VRs: only its transfer syntax is used. Its SOP class, for example, is the instance UID
 * in some cameras' files. */
static Status read_meta(DicomBytes *bytes, Dicom *dicom) {
    if (bytes->size < PREAMBLE + 4 || memcmp(bytes->data + PREAMBLE, "DICM", 4) != 0)
        return dicom_damaged(bytes->name, "not a DICOM file: no mark DICM after %d bytes", PREAMBLE);
    bytes->at = PREAMBLE + 4;
    while (bytes->size - bytes->at >= 2 && dicom_u16(bytes->data + bytes->at) == 2) {
        DicomElement element;
        TRY(dicom_read_element(bytes, false, &element));
        if (element.tag == TRANSFER_SYNTAX && element.length != DICOM_UNDEFINED_LENGTH)
            TRY(read_text(bytes, &element, true, dicom->transfer_syntax, sizeof dicom->transfer_syntax));
        TRY(dicom_skip_value(bytes, false, &element));
    }
    if (!*dicom->transfer_syntax)
        return dicom_damaged(bytes->name, "no transfer syntax (0002,0010)");
    return NULL;
}

/* Notes where the pixel data is; the reading position is at its value. */
static Status find_pixels(DicomBytes *bytes, const DicomElement *element, Dicom *dicom) {
    static const char *const allowed[] = {"", "OB", "OW", "UN"};
    bool fine = false;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        fine |= strcmp(element->vr, allowed[i]) == 0;
    if (!fine)
        return dicom_damaged(bytes->name, "pixel data of the kind %s at byte %zu", element->vr, element->at);
    bool undefined = element->length == DICOM_UNDEFINED_LENGTH;
    if (undefined != (dicom->coding != DICOM_NATIVE))
        return dicom_damaged(bytes->name, "pixel data of %s length at byte %zu in transfer syntax %s",
                             undefined ? "undefined" : "defined", element->at, dicom->transfer_syntax);
    dicom->pixels_at = bytes->at;
    if (undefined)
        TRY(dicom_skip_fragments(bytes));
    else
        bytes->at += element->length;
    dicom->pixels_bytes = bytes->at - dicom->pixels_at;
    /* The rest of the file is ignored, except a second image: which of the two is meant would be unclear. */
    const uint8_t *next = bytes->data + bytes->at;
    if (bytes->size - bytes->at >= 4 && dicom_u16(next) == element->tag >> 16 &&
        dicom_u16(next + 2) == (element->tag & 0xFFFF))
        return dicom_damaged(bytes->name, "a second pixel data (7fe0,0010) at byte %zu", bytes->at);
    return NULL;
}

/* A whole file of a kind that holds no image is not a damaged one. By the beginning of its class (PS3.4, annex B.5). */
static Status refuse_without_pixels(const char *name, const Dicom *dicom, bool has_document, bool *unsupported) {
    static const struct {
        const char *root, *what;
    } known[] = {{"1.2.840.10008.5.1.4.1.1.104.1", "an encapsulated PDF"},
                 {"1.2.840.10008.5.1.4.1.1.104.", "an encapsulated document"},
                 {"1.2.840.10008.5.1.4.1.1.88.", "a structured report"},
                 {"1.2.840.10008.5.1.4.1.1.11.", "a presentation state"},
                 {"1.2.840.10008.5.1.4.1.1.9.", "a waveform"},
                 {"1.2.840.10008.5.1.4.1.1.66", "raw data"},
                 {"1.2.840.10008.5.1.4.1.1.78.", "a measurement of the eye"},
                 {"1.2.840.10008.5.1.4.1.1.79.", "a measurement of the eye"},
                 {"1.2.840.10008.5.1.4.1.1.80.", "a measurement of the eye"},
                 {"1.2.840.10008.1.3.10", "a list of files"}};
    const char *what = has_document ? "an encapsulated document" : NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(dicom->sop_class, known[i].root, strlen(known[i].root)) == 0) {
            what = known[i].what;
            break;
        }
    if (!what)
        return dicom_damaged(name, "it ends without pixel data (7fe0,0010)");
    *unsupported = true;
    return status_error(EXIT_DATA, "%s: unsupported DICOM: %s, not an image (SOP class %s)", name, what,
                        dicom->sop_class);
}

/* Elements are in ascending order, each once (PS3.5, 7.1): anything else means that a length was wrong. */
static Status read_data_set(DicomBytes *bytes, bool implicit, Dicom *dicom, bool *unsupported) {
    uint32_t last = 0;
    bool has_document = false;
    while (bytes->at < bytes->size) {
        DicomElement element;
        TRY(dicom_read_element(bytes, implicit, &element));
        if (element.tag <= last)
            return dicom_damaged(bytes->name, "(%04x,%04x) at byte %zu is out of order", element.tag >> 16,
                                 element.tag & 0xFFFF, element.at);
        last = element.tag;
        has_document |= last == ENCAPSULATED_DOCUMENT;
        if (element.tag == DICOM_PIXEL_DATA)
            return find_pixels(bytes, &element, dicom);
        if (element.tag == FLOAT_PIXELS || element.tag == DOUBLE_PIXELS) {
            *unsupported = true;
            return status_error(EXIT_DATA, "%s: unsupported DICOM: pixel format of floating-point values", bytes->name);
        }
        if (element.length != DICOM_UNDEFINED_LENGTH)
            TRY(store_value(bytes, &element, dicom));
        TRY(dicom_skip_value(bytes, implicit, &element));
    }
    return refuse_without_pixels(bytes->name, dicom, has_document, unsupported);
}

static Status check_present(const char *name, const Dicom *dicom) {
    const struct {
        bool there;
        const char *what;
    } needed[] = {
        {dicom->rows != ABSENT, "rows (0028,0010)"},
        {dicom->columns != ABSENT, "columns (0028,0011)"},
        {dicom->samples != ABSENT, "samples per pixel (0028,0002)"},
        {dicom->bits_allocated != ABSENT, "bits allocated (0028,0100)"},
        {*dicom->photometric != '\0', "photometric interpretation (0028,0004)"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!needed[i].there)
            return dicom_damaged(name, "no %s", needed[i].what);
    if (!dicom->rows || !dicom->columns)
        return dicom_damaged(name, "%d rows of %d columns", dicom->rows, dicom->columns);
    return NULL;
}

/* Samples of a pixel for the colour spaces that are read; 0 for others. */
static int samples_of(const Dicom *dicom) {
    static const char *const colours[] = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"};
    const size_t count = dicom->coding == DICOM_JPEG_2000 ? 5 : 3; /* the last two are JPEG 2000's own */
    if (strcmp(dicom->photometric, "MONOCHROME1") == 0 || strcmp(dicom->photometric, "MONOCHROME2") == 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(dicom->photometric, colours[i]) == 0)
            return 3;
    return 0;
}

static Status check_format(const char *name, const Dicom *dicom, bool *unsupported) {
    *unsupported = true;
    if (dicom->frames > 1)
        return status_error(EXIT_DATA, "%s: unsupported DICOM: %d frames; one is read", name, dicom->frames);
    if (dicom->rows > MAX_SIDE || dicom->columns > MAX_SIDE)
        return status_error(EXIT_DATA, "%s: unsupported DICOM: %d rows of %d columns; a side may be %d at most", name,
                            dicom->rows, dicom->columns, MAX_SIDE);
    int samples = samples_of(dicom);
    if (!samples || dicom->bits_allocated != 8 || dicom->bits_stored != 8 || dicom->high_bit != 7 || dicom->is_signed)
        return status_error(EXIT_DATA,
                            "%s: unsupported DICOM: pixel format %s, %s, %d bits allocated, %d stored, high bit %d; 8 "
                            "bits unsigned of MONOCHROME1, MONOCHROME2, RGB, YBR_FULL or YBR_FULL_422 are read, and "
                            "YBR_RCT or YBR_ICT of JPEG 2000",
                            name, dicom->photometric, dicom->is_signed ? "signed" : "unsigned", dicom->bits_allocated,
                            dicom->bits_stored, dicom->high_bit);
    *unsupported = false;
    if (dicom->samples != samples)
        return dicom_damaged(name, "%d samples per pixel of %s", dicom->samples, dicom->photometric);
    if (dicom->planar != 0 && dicom->planar != 1)
        return dicom_damaged(name, "planar configuration %d", dicom->planar);
    return NULL;
}

/* Native values fill their element, except for a byte that makes its length even. */
static Status check_native_size(const char *name, const Dicom *dicom) {
    size_t pixels = (size_t)dicom->rows * (size_t)dicom->columns, needed = pixels * (size_t)dicom->samples;
    if (strcmp(dicom->photometric, "YBR_FULL_422") == 0) {
        if (dicom->columns % 2 || dicom->planar)
            return dicom_damaged(name, "YBR_FULL_422 of %d columns, planar configuration %d", dicom->columns,
                                 dicom->planar);
        needed = pixels * 2;
    }
    if (dicom->pixels_bytes != needed && dicom->pixels_bytes != needed + needed % 2)
        return dicom_damaged(name, "%zu bytes of pixel data, but %d x %d pixels of %s take %zu", dicom->pixels_bytes,
                             dicom->columns, dicom->rows, dicom->photometric, needed);
    return NULL;
}

static Status parse_file(DicomBytes bytes, Dicom *dicom, bool *unsupported) {
    const char *name = bytes.name;
    TRY(read_meta(&bytes, dicom));
    const DicomSyntax syntax = dicom_syntax(dicom->transfer_syntax);
    if (!syntax.is_read) {
        *unsupported = true;
        return status_error(EXIT_DATA,
                            "%s: unsupported DICOM: transfer syntax %s (%s); little endian as it is or deflated, JPEG "
                            "baseline, JPEG-LS, JPEG 2000 and RLE are read",
                            name, syntax.uid, syntax.name);
    }
    dicom->coding = syntax.coding;
    if (syntax.deflated) {
        size_t size;
        TRY(dicom_inflate(name, bytes.data + bytes.at, bytes.size - bytes.at, MAX_INFLATED, &dicom->inflated, &size));
        bytes = (DicomBytes){.name = name, .data = dicom->inflated, .size = size};
    }
    TRY(read_data_set(&bytes, syntax.implicit, dicom, unsupported));
    TRY(check_present(name, dicom));
    if (dicom->bits_stored == ABSENT)
        dicom->bits_stored = dicom->bits_allocated;
    if (dicom->high_bit == ABSENT)
        dicom->high_bit = dicom->bits_stored - 1;
    TRY(check_format(name, dicom, unsupported));
    return dicom->coding == DICOM_NATIVE ? check_native_size(name, dicom) : NULL;
}

Status dicom_parse(const char *name, const uint8_t *data, size_t size, Dicom *dicom, bool *unsupported) {
    *unsupported = false;
    *dicom = (Dicom){.rows = ABSENT,
                     .columns = ABSENT,
                     .samples = ABSENT,
                     .bits_allocated = ABSENT,
                     .bits_stored = ABSENT,
                     .high_bit = ABSENT,
                     .frames = 1};
    Status status = parse_file((DicomBytes){.name = name, .data = data, .size = size}, dicom, unsupported);
    if (status) {
        free(dicom->inflated);
        dicom->inflated = NULL;
    }
    return status;
}
