/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM files that are refused, as damaged or as of another kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/dicom_decode.h"
#include "tests/fixtures/dicom_expect.h"

static void expect_bytes_damaged(const Writer *file, const char *part) {
    Dicom dicom;
    bool unsupported = true;
    assert_fails(dicom_parse(name, file->data, file->size, &dicom, &unsupported), EXIT_DATA, part);
    assert_false(unsupported);
}

static void wrong_jpegs(void **state) {
    (void)state;
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    DicomKind kind = jpeg_kind(jpeg, size);
    kind.pixels_bytes = size - 2; /* the end mark */
    expect_damaged(&kind, "damaged JPEG");
    kind = jpeg_kind(jpeg, 0);
    expect_damaged(&kind, "the pixel data is no JPEG");
    kind = jpeg_kind((const uint8_t *)"\x89PNG\r\n\x1A\n", 8);
    expect_damaged(&kind, "the pixel data is no JPEG");
    kind = jpeg_kind(jpeg, size);
    kind.columns++;
    expect_damaged(&kind, "a JPEG of 48 x 33 pixels in an image of 49 x 33");
    kind.columns--;
    kind.length = (long)size;
    expect_damaged(&kind, "pixel data of defined length");
    kind.length = 0;
    kind.photometric = "MONOCHROME2";
    kind.samples = 1;
    expect_damaged(&kind, "JPEG of 3 components, not 1");
    kind = jpeg_kind(jpeg, size);
    kind.frames = "2";
    expect_unsupported(&kind, "2 frames");
    free(jpeg);
    free(pixels);
}

/* Two images where one is announced: which of them is meant is unknown. */
static void two_images(void **state) {
    (void)state;
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t size, tail;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    size_t even = size + size % 2;
    uint8_t *both = calloc(2, even);
    assert_non_null(both);
    memcpy(both, jpeg, size);
    memcpy(both + even, jpeg, size);
    DicomKind kind = jpeg_kind(both, 2 * even);
    kind.fragments = 2;
    expect_damaged(&kind, "a second image begins at byte");
    free(both);
    free(jpeg);
    free(pixels);

    Writer file = {0};
    uint8_t *once = make_dicom(&plain, &size, &tail);
    put(&file, once, size);
    put_value(&file, 0x7FE00010, "OB", four, 12);
    expect_bytes_damaged(&file, "a second pixel data (7fe0,0010) at byte");
    free(file.data);
    free(once);
}

static void other_transfer_syntaxes(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.2 (Explicit VR Big Endian"},
        {"1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.51 (JPEG Extended"},
        {"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.70 (JPEG Lossless"},
        {"1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.92 (JPEG 2000 Part 2 Lossless"},
        {"1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.201 (High-Throughput JPEG 2000 Lossless"},
        {"1.2.3", "transfer syntax 1.2.3 (unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DicomKind kind = plain;
        kind.syntax = cases[i][0];
        expect_unsupported(&kind, cases[i][1]);
    }
}

/* Not "damaged": the user must know that nothing is wrong with it. An image's class without pixels is damaged. */
static void files_without_an_image(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"1.2.840.10008.5.1.4.1.1.104.1",
         "an encapsulated PDF, not an image (SOP class 1.2.840.10008.5.1.4.1.1.104.1)"},
        {"1.2.840.10008.5.1.4.1.1.88.33", "a structured report, not an image"},
        {"1.2.840.10008.5.1.4.1.1.80.1", "a measurement of the eye"},
        {"1.2.3", "an encapsulated document, not an image"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int document = 0; document < 2; document++) {
            Writer out = {0};
            put_meta(&out, &plain);
            put_text(&out, 0x00080016, "UI", cases[i][0]);
            put_text(&out, 0x00100020, "LO", "1001");
            if (document)
                put_value(&out, 0x00420011, "OB", "%PDF-1.4", 8);
            Dicom dicom;
            bool unsupported;
            const bool known = i < 3 || document;
            assert_fails(dicom_parse(name, out.data, out.size, &dicom, &unsupported), EXIT_DATA,
                         known ? cases[i][1] : "damaged DICOM: it ends without pixel data");
            assert_int_equal(unsupported, known);
            free(out.data);
        }
}

static void other_pixel_formats(void **state) {
    (void)state;
    DicomKind kind = plain;
    kind.allocated = 16;
    kind.stored = 12;
    kind.high_bit = 11;
    expect_unsupported(&kind, "pixel format RGB, unsigned, 16 bits allocated, 12 stored, high bit 11");
    kind = plain;
    kind.stored = 7;
    expect_unsupported(&kind, "7 stored");
    kind = plain;
    kind.high_bit = 3;
    expect_unsupported(&kind, "high bit 3");
    kind = plain;
    kind.representation = 1;
    expect_unsupported(&kind, "pixel format RGB, signed");
    static const char *const photometrics[] = {"PALETTE COLOR", "YBR_ICT", "YBR_PARTIAL_422", "CMYK", "HSV"};
    for (size_t i = 0; i < sizeof photometrics / sizeof *photometrics; i++) {
        kind = plain;
        kind.photometric = photometrics[i];
        expect_unsupported(&kind, photometrics[i]);
    }
    kind = plain;
    kind.frames = "12";
    expect_unsupported(&kind, "12 frames");
    kind = plain;
    kind.rows = 20001;
    expect_unsupported(&kind, "20001 rows");
}

static void what_contradicts_itself(void **state) {
    (void)state;
    static const struct {
        uint32_t tag;
        const char *part;
    } needed[] = {
        {0x00020010, "no transfer syntax (0002,0010)"}, {0x00280002, "no samples per pixel (0028,0002)"},
        {0x00280004, "no photometric interpretation"},  {0x00280010, "no rows (0028,0010)"},
        {0x00280011, "no columns (0028,0011)"},         {0x00280100, "no bits allocated (0028,0100)"},
        {0x7FE00010, "ends without pixel data"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        DicomKind kind = plain;
        kind.crowded = true; /* sequences and an icon have them all */
        kind.without[0] = needed[i].tag;
        expect_damaged(&kind, needed[i].part);
    }
    DicomKind kind = plain;
    kind.samples = 1;
    expect_damaged(&kind, "1 samples per pixel of RGB");
    kind = plain;
    kind.photometric = "MONOCHROME2";
    expect_damaged(&kind, "3 samples per pixel of MONOCHROME2");
    kind = plain;
    kind.planar = 2;
    expect_damaged(&kind, "planar configuration 2");
    kind = plain;
    kind.rows = 0;
    expect_damaged(&kind, "0 rows");
    kind = plain;
    kind.columns = 0;
    expect_damaged(&kind, "of 0 columns");
    kind = plain;
    kind.pixels_bytes = 10;
    expect_damaged(&kind, "10 bytes of pixel data, but 2 x 2 pixels of RGB take 12");
    kind.pixels_bytes = 13;
    expect_damaged(&kind, "14 bytes of pixel data");
    kind = plain;
    kind.length = 1000;
    expect_damaged(&kind, "cut short: (7fe0,0010)");
    kind.length = UNDEFINED;
    expect_damaged(&kind, "pixel data of undefined length");
    kind = plain;
    kind.vr = "SQ";
    expect_damaged(&kind, "pixel data of the kind SQ");
    static const char *const frames[] = {"0", "-1", "two", "1.5", "1\\2", "99999999999999999999"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        kind = plain;
        kind.frames = frames[i];
        expect_damaged(&kind, "no number of frames");
    }
    kind = plain;
    kind.photometric = "rgb\n";
    expect_damaged(&kind, "(0028,0004)");
    kind.photometric = "MONOCHROMEMONOCHROME";
    expect_damaged(&kind, "(0028,0004)");
    kind = plain;
    kind.syntax = "1.2.840.10008.1.2.840.10008.1.2.840.10008.1.2.840.10008.1.2.840.10008";
    expect_damaged(&kind, "(0002,0010)");
}

static void what_is_no_dicom(void **state) {
    (void)state;
    Writer file = {0};
    uint8_t zeros[200] = {0};
    put(&file, zeros, sizeof zeros);
    expect_bytes_damaged(&file, "damaged DICOM: not a DICOM file");
    file.size = 0;
    expect_bytes_damaged(&file, "not a DICOM file");
    file.size = 0;
    put_text(&file, 0x00080016, "UI", OPHTHALMIC); /* a data set without preamble */
    put(&file, zeros, sizeof zeros);
    expect_bytes_damaged(&file, "not a DICOM file");
    free(file.data);
}

/* Elements where they do not belong, one at a time after a valid beginning. */
static void misplaced_elements(void **state) {
    (void)state;
    Writer file = {0};
    put_meta(&file, &plain);
    put_text(&file, 0x00080016, "UI", OPHTHALMIC);
    size_t start = file.size;
    assert_int_equal(start, 242);                  /* the messages below count on it */
    put_text(&file, 0x00080016, "UI", OPHTHALMIC); /* twice */
    expect_bytes_damaged(&file, "(0008,0016) at byte 242 is out of order");
    file.size = start;
    put_text(&file, 0x00080005, "CS", "");
    expect_bytes_damaged(&file, "(0008,0005) at byte 242 is out of order");
    file.size = start;
    put_header(&file, ITEM, "", 0);
    expect_bytes_damaged(&file, "outside any sequence");
    file.size = start;
    put_value(&file, 0x00100010, "1?", "ab", 2);
    expect_bytes_damaged(&file, "no value representation after the tag (0010,0010)");
    file.size = start;
    put_header(&file, 0x00100010, "OB", UNDEFINED);
    expect_bytes_damaged(&file, "(0010,0010) OB of undefined length");
    file.size = start;
    put_value(&file, 0x00280010, "US", "\1\0\2\0", 4);
    expect_bytes_damaged(&file, "(0028,0010) at byte 242 holds 4 bytes");
    file.size = start;
    put_header(&file, 0x00400008, "SQ", UNDEFINED);
    put(&file, "\x28\0\x10\0\0\0\0\0", 8);
    expect_bytes_damaged(&file, "(0028,0010) at byte 254, where an item should begin");
    file.size = start;
    put_header(&file, 0x00400008, "SQ", UNDEFINED);
    put_header(&file, SEQUENCE_END, "", 8);
    put(&file, "12345678", 8);
    expect_bytes_damaged(&file, "the end of a sequence at byte 254 has a length");
    file.size = start;
    put_value(&file, 0x7FE00008, "OF", "1234", 4);
    Dicom dicom;
    bool unsupported = false;
    assert_fails(dicom_parse(name, file.data, file.size, &dicom, &unsupported), EXIT_DATA, "floating-point");
    assert_true(unsupported);
    free(file.data);
}

/* `depth` sequences within each other. */
static void put_nested(Writer *out, int depth) {
    for (int i = 0; i < depth; i++) {
        put_header(out, 0x00400008, "SQ", UNDEFINED);
        put_header(out, ITEM, "", UNDEFINED);
    }
    for (int i = 0; i < depth; i++) {
        put_header(out, ITEM_END, "", 0);
        put_header(out, SEQUENCE_END, "", 0);
    }
}

static void sequences_within_sequences(void **state) {
    (void)state;
    static const int depths[] = {1, 2, 32, 33, 200000};
    for (int i = 0; i < 5; i++)
        for (int implicit = 0; implicit < 2; implicit++) {
            DicomKind kind = plain;
            kind.syntax = native[implicit];
            Writer file = {0};
            put_meta(&file, &kind);
            file.implicit = implicit;
            put_image(&file, &kind);
            put_nested(&file, depths[i]);
            put_value(&file, 0x7FE00010, "OB", four, 12);
            Dicom dicom;
            bool unsupported;
            if (depths[i] <= 32)
                assert_ok(dicom_parse(name, file.data, file.size, &dicom, &unsupported));
            else
                expect_bytes_damaged(&file, "nested deeper than 32");
            free(file.data);
        }
}

/* Cut at every byte: whatever ends before its pixel data does is refused, as damaged. */
static void truncated_files(void **state) {
    (void)state;
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t jpeg_size, size, tail;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &jpeg_size);
    DicomKind kinds[] = {plain, plain, jpeg_kind(jpeg, jpeg_size)};
    kinds[1].syntax = SYNTAX_IMPLICIT;
    kinds[2].fragments = 2;
    for (int i = 0; i < 3; i++) {
        kinds[i].crowded = true;
        uint8_t *data = make_dicom(&kinds[i], &size, &tail);
        for (size_t length = 0; length < size - tail; length++) {
            uint8_t *exact = malloc(length ? length : 1);
            assert_non_null(exact);
            memcpy(exact, data, length);
            Image image;
            Dicom dicom;
            bool unsupported = true;
            Status status = dicom_decode(name, exact, length, 0, &image, &dicom, &unsupported);
            if (status_code(status) != EXIT_DATA || unsupported || !strstr(status_message(status), "damaged DICOM"))
                fail_msg("%zu of %zu bytes: \"%s\"", length, size, status_message(status));
            assert_null(image.pixels);
            status_free(status);
            free(exact);
        }
        free(data);
    }
    free(jpeg);
    free(pixels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_jpegs),
        cmocka_unit_test(two_images),
        cmocka_unit_test(other_transfer_syntaxes),
        cmocka_unit_test(files_without_an_image),
        cmocka_unit_test(other_pixel_formats),
        cmocka_unit_test(what_contradicts_itself),
        cmocka_unit_test(what_is_no_dicom),
        cmocka_unit_test(misplaced_elements),
        cmocka_unit_test(sequences_within_sequences),
        cmocka_unit_test(truncated_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
