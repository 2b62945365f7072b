/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM photographs in every encoding that is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "tests/fixtures/dicom_expect.h"

/* ---- without compression */

static void native_rgb(void **state) {
    (void)state;
    static const int sizes[][2] = {{7, 5}, {8, 6}, {1, 1}, {1, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1], count = width * height;
        uint8_t *rgb = draw_image(width, height, 3), *planes = malloc((size_t)count * 3);
        assert_non_null(planes);
        for (int j = 0; j < count * 3; j++)
            planes[j % 3 * count + j / 3] = rgb[j];
        for (int variant = 0; variant < 16; variant++) {
            bool planar = variant & 2;
            expect_pixels(&(DicomKind){.syntax = native[variant & 1],
                                       .photometric = "RGB",
                                       .rows = height,
                                       .columns = width,
                                       .samples = 3,
                                       .planar = planar,
                                       .crowded = variant & 4,
                                       .vr = variant & 8 ? "OW" : "OB",
                                       .pixels = planar ? planes : rgb,
                                       .pixels_bytes = (size_t)count * 3},
                          rgb, 0);
        }
        free(planes);
        free(rgb);
    }
}

static void native_grey(void **state) {
    (void)state;
    static const uint8_t values[] = {0, 255, 77, 200, 1},
                         grey[] = {0, 0, 0, 255, 255, 255, 77, 77, 77, 200, 200, 200, 1, 1, 1};
    uint8_t inverted[15];
    for (int i = 0; i < 15; i++)
        inverted[i] = (uint8_t)(255 - grey[i]);
    DicomKind kind = {
        .rows = 1, .columns = 5, .samples = 1, .pixels = values, .pixels_bytes = 5, .photometric = "MONOCHROME2"};
    for (int i = 0; i < 2; i++) {
        kind.syntax = native[i];
        kind.photometric = "MONOCHROME2";
        expect_pixels(&kind, grey, 0);
        kind.photometric = "MONOCHROME1";
        expect_pixels(&kind, inverted, 0);
    }
}

/* As pydicom converts them: greys, the primaries, beyond both ends, and a half that goes up. */
static void native_ybr(void **state) {
    (void)state;
    static const uint8_t ybr[] = {0,   128, 128, 255, 128, 128, 76, 85, 255, 150, 44,  21,  29, 255, 107,
                                  200, 100, 150, 250, 255, 255, 5,  0,  0,   100, 253, 128, 60, 200, 30};
    static const uint8_t rgb[] = {0,   0,   0,   255, 255, 255, 254, 0,   0, 0,   255, 1,   0, 0,   254,
                                  231, 194, 150, 255, 116, 255, 0,   140, 0, 100, 57,  255, 0, 105, 188};
    uint8_t planes[30];
    for (int i = 0; i < 30; i++)
        planes[i % 3 * 10 + i / 3] = ybr[i];
    DicomKind kind = {.syntax = SYNTAX_EXPLICIT,
                      .photometric = "YBR_FULL",
                      .rows = 2,
                      .columns = 5,
                      .samples = 3,
                      .pixels = ybr,
                      .pixels_bytes = 30};
    expect_pixels(&kind, rgb, 0);
    kind.pixels = planes;
    kind.planar = 1;
    expect_pixels(&kind, rgb, 0);
}

/* Two pixels share their chroma; nothing is interpolated. */
static void native_ybr_422(void **state) {
    (void)state;
    static const uint8_t values[] = {76, 150, 85, 255, 200, 100, 100, 150};
    static const uint8_t rgb[] = {254, 0, 0, 255, 74, 74, 231, 194, 150, 131, 94, 50};
    DicomKind kind = {.syntax = SYNTAX_EXPLICIT,
                      .photometric = "YBR_FULL_422",
                      .rows = 2,
                      .columns = 2,
                      .samples = 3,
                      .pixels = values,
                      .pixels_bytes = 8};
    expect_pixels(&kind, rgb, 0);
    kind.planar = 1;
    expect_damaged(&kind, "planar configuration 1");
    kind.planar = 0;
    kind.pixels = rgb; /* all chroma is there: it says so and has three samples of each pixel */
    kind.pixels_bytes = 12;
    expect_damaged(&kind, "12 bytes of pixel data, but 2 x 2 pixels of YBR_FULL_422 take 8");
    kind = (DicomKind){.syntax = SYNTAX_EXPLICIT,
                       .photometric = "YBR_FULL_422",
                       .rows = 1,
                       .columns = 3,
                       .samples = 3,
                       .pixels = values,
                       .pixels_bytes = 6};
    expect_damaged(&kind, "YBR_FULL_422 of 3 columns");
}

static void what_may_be_missing(void **state) {
    (void)state;
    DicomKind kind = plain;
    static const uint32_t optional[] = {0x00280006, 0x00280101, 0x00280102, 0x00280103};
    memcpy(kind.without, optional, sizeof optional);
    expect_pixels(&kind, four, 0);
    kind = plain;
    static const char *const frames[] = {"", "1", "1 ", " 1", "01", "001 "};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        kind.frames = frames[i];
        expect_pixels(&kind, four, 0);
    }
    /* An odd number of bytes without the one that fills it up: 3 pixels of grey. */
    kind = (DicomKind){.syntax = SYNTAX_EXPLICIT,
                       .photometric = "MONOCHROME2",
                       .rows = 1,
                       .columns = 3,
                       .samples = 1,
                       .pixels = four,
                       .pixels_bytes = 3,
                       .length = 3};
    static const uint8_t grey[] = {1, 1, 1, 2, 2, 2, 3, 3, 3};
    expect_pixels(&kind, grey, 0);
}

static void the_header_is_returned(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        DicomKind kind = plain;
        kind.syntax = native[i];
        kind.crowded = true;
        size_t size, tail;
        uint8_t *data = make_dicom(&kind, &size, &tail);
        Dicom dicom;
        bool unsupported;
        assert_ok(dicom_parse(name, data, size, &dicom, &unsupported));
        assert_string_equal(dicom.transfer_syntax, native[i]);
        assert_string_equal(dicom.sop_class, OPHTHALMIC); /* not the file's header, which has another */
        assert_string_equal(dicom.sop_instance, "1.2.3.4");
        assert_string_equal(dicom.photometric, "RGB");
        assert_int_equal(dicom.rows, 2);
        assert_int_equal(dicom.columns, 2);
        assert_int_equal(dicom.samples, 3);
        assert_int_equal(dicom.planar, 0);
        assert_int_equal(dicom.bits_allocated, 8);
        assert_int_equal(dicom.bits_stored, 8);
        assert_int_equal(dicom.high_bit, 7);
        assert_int_equal(dicom.frames, 1);
        assert_false(dicom.is_signed);
        assert_int_equal(dicom.coding, DICOM_NATIVE);
        assert_null(dicom.inflated);
        assert_int_equal(dicom.pixels_bytes, 12);
        assert_memory_equal(data + dicom.pixels_at, four, 12);
        free(data);
    }
}

/* ---- JPEG */

static void jpeg_in_one_or_many_fragments(void **state) {
    (void)state;
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    Image want;
    ImageFacts facts;
    assert_ok(image_decode(name, jpeg, size, &(ImageDecode){0}, &want, &facts));
    DicomKind kind = jpeg_kind(jpeg, size);
    static const int fragments[] = {1, 2, 7, 64};
    for (int i = 0; i < 4; i++)
        for (int table = 0; table < 2; table++) {
            kind.fragments = fragments[i];
            kind.table = table;
            kind.crowded = table;
            expect_pixels(&kind, want.pixels, 0);
        }
    kind.fragments = 1;
    kind.table = 2;
    expect_damaged(&kind, "offset table");
    image_free(&want);
    free(jpeg);
    free(pixels);
}

static void jpeg_at_a_fraction_of_its_size(void **state) {
    (void)state;
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    DicomKind kind = jpeg_kind(jpeg, size);
    Image image;
    Dicom dicom;
    bool unsupported;
    assert_ok(decode(&kind, 9, &image, &dicom, &unsupported));
    assert_int_equal(image.height, (HEIGHT + 3) / 4);
    assert_int_equal(image.width, WIDTH / 4);
    assert_int_equal(dicom.rows, HEIGHT);
    assert_int_equal(dicom.columns, WIDTH);
    image_free(&image);
    kind.rows--; /* the full size counts, whatever is decoded */
    assert_fails(decode(&kind, 9, &image, &dicom, &unsupported), EXIT_DATA,
                 "a JPEG of 48 x 33 pixels in an image of 48 x 32");
    assert_null(image.pixels);
    free(jpeg);
    free(pixels);
}

/* The JPEG's own markers override the tag: each of these decodes to what was drawn, whatever the tag says; the tag
 * counts only without markers. One colour at quality 95 comes back exactly here; another libjpeg may round the cosine
 * transform and the colours a level each otherwise. Taken for the other colours, it is over 60 away. */
static void jpeg_colours_by_its_markers(void **state) {
    (void)state;
    static const struct {
        J_COLOR_SPACE stored;
        bool jfif, adobe;
        const char *ids;
    } cases[] = {
        {JCS_RGB, false, false, "RGB"},    {JCS_RGB, false, true, "RGB"},      {JCS_RGB, true, false, "RGB"},
        {JCS_RGB, false, true, "\1\2\3"},  {JCS_YCbCr, true, false, "\1\2\3"}, {JCS_YCbCr, false, true, "\1\2\3"},
        {JCS_YCbCr, true, true, "\1\2\3"},
    };
    static const char *const tags[] = {"RGB", "YBR_FULL", "YBR_FULL_422"};
    uint8_t pixels[WIDTH * HEIGHT * 3];
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        memcpy(pixels + i * 3, "\xC8\x50\x1E", 3); /* one colour: nothing to lose by subsampling */
    for (int tag = 0; tag < 3; tag++) {
        size_t size;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            uint8_t *jpeg = draw_jpeg(pixels,
                                      (JpegKind){.stored = cases[i].stored,
                                                 .marked = true,
                                                 .jfif = cases[i].jfif,
                                                 .adobe = cases[i].adobe,
                                                 .ids = cases[i].ids},
                                      &size);
            DicomKind kind = jpeg_kind(jpeg, size);
            kind.photometric = tags[tag];
            expect_pixels(&kind, pixels, 2);
            free(jpeg);
        }
        /* No markers: the tag decides. */
        J_COLOR_SPACE stored = tag == 0 ? JCS_RGB : JCS_YCbCr;
        uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = stored, .marked = true, .ids = "\1\2\3"}, &size);
        DicomKind kind = jpeg_kind(jpeg, size);
        kind.photometric = tags[tag];
        expect_pixels(&kind, pixels, 2);
        free(jpeg);
    }
}

/* EXIF data within a DICOM file's JPEG: DICOM has its own ways to say how an image lies, and its readers ignore it. */
static void exif_within_is_ignored(void **state) {
    (void)state;
    static const uint8_t exif[] = {0xFF, 0xE1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                                   1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, 6,   0,   0,  0, 0, 0, 0, 0};
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    uint8_t *longer = malloc(size + sizeof exif);
    assert_non_null(longer);
    memcpy(longer, jpeg, 2);
    memcpy(longer + 2, exif, sizeof exif);
    memcpy(longer + 2 + sizeof exif, jpeg + 2, size - 2);
    Image want;
    ImageFacts facts;
    assert_ok(image_decode(name, longer, size + sizeof exif, &(ImageDecode){0}, &want, &facts));
    assert_int_equal(facts.orientation, 6);
    image_free(&want);
    assert_ok(image_decode(name, jpeg, size, &(ImageDecode){0}, &want, &facts));
    const DicomKind kind = jpeg_kind(longer, size + sizeof exif);
    expect_pixels(&kind, want.pixels, 0);
    image_free(&want);
    free(longer);
    free(jpeg);
    free(pixels);
}

static void grey_jpeg(void **state) {
    (void)state;
    uint8_t values[WIDTH * HEIGHT], grey[WIDTH * HEIGHT * 3];
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        values[i] = (uint8_t)(i % WIDTH * 4 + i / WIDTH);
    size_t size;
    uint8_t *jpeg = draw_jpeg(values, (JpegKind){.components = 1, .stored = JCS_GRAYSCALE}, &size);
    DicomKind kind = jpeg_kind(jpeg, size);
    expect_damaged(&kind, "JPEG of 1 components, not 3");
    kind.samples = 1;
    for (int inverted = 0; inverted < 2; inverted++) {
        kind.photometric = inverted ? "MONOCHROME1" : "MONOCHROME2";
        for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
            grey[i] = inverted ? (uint8_t)(255 - values[i / 3]) : values[i / 3];
        expect_pixels(&kind, grey, 1); /* exact here; another libjpeg may round otherwise */
    }
    free(jpeg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_rgb),
        cmocka_unit_test(native_grey),
        cmocka_unit_test(native_ybr),
        cmocka_unit_test(native_ybr_422),
        cmocka_unit_test(what_may_be_missing),
        cmocka_unit_test(the_header_is_returned),
        cmocka_unit_test(jpeg_in_one_or_many_fragments),
        cmocka_unit_test(exif_within_is_ignored),
        cmocka_unit_test(jpeg_at_a_fraction_of_its_size),
        cmocka_unit_test(jpeg_colours_by_its_markers),
        cmocka_unit_test(grey_jpeg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
