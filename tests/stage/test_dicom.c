/* DICOM photographs in every encoding that is read, and what is refused as damaged or as another kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stage/dicom.h"
#include "../data/kinds.h"
#include "../data/scratch.h"
#include "dicom_make.h"

static const char *const name = "eye.dcm";

static Status decode(const DicomKind *kind, int least, Image *image, Dicom *dicom, bool *unsupported) {
    size_t size, tail;
    uint8_t *data = make_dicom(kind, &size, &tail);
    Status status = dicom_decode(name, data, size, least, image, dicom, unsupported);
    free(data);
    return status;
}

/* Reads it and expects `rgb` [rows][columns][3], no level more than `most` away. */
static void expect_pixels(const DicomKind *kind, const uint8_t *rgb, int most) {
    Image image;
    Dicom dicom;
    bool unsupported = true;
    assert_ok(decode(kind, 0, &image, &dicom, &unsupported));
    assert_false(unsupported);
    assert_int_equal(image.height, kind->rows);
    assert_int_equal(image.width, kind->columns);
    for (int i = 0; i < kind->rows * kind->columns * 3; i++)
        if (abs(image.pixels[i] - rgb[i]) > most)
            fail_msg("%s %s: value %d is %d, not %d", kind->syntax, kind->photometric, i, image.pixels[i], rgb[i]);
    image_free(&image);
}

static void expect_refused(const DicomKind *kind, bool as_unsupported, const char *part) {
    Image image;
    Dicom dicom;
    bool unsupported = !as_unsupported;
    assert_fails(decode(kind, 0, &image, &dicom, &unsupported), EXIT_DATA, part);
    assert_int_equal(unsupported, as_unsupported);
    assert_null(image.pixels);
    assert_fails(decode(kind, 0, &image, &dicom, &unsupported), EXIT_DATA, "eye.dcm: ");
}

static void expect_damaged(const DicomKind *kind, const char *part) {
    expect_refused(kind, false, part);
}

static void expect_unsupported(const DicomKind *kind, const char *part) {
    expect_refused(kind, true, "unsupported DICOM: ");
    expect_refused(kind, true, part);
}

/* ---- without compression */

static const char *const native[] = {SYNTAX_EXPLICIT, SYNTAX_IMPLICIT};

static void native_rgb(void **state) {
    (void)state;
    static const int sizes[][2] = {{7, 5}, {8, 6}, {1, 1}, {1, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1], count = width * height;
        uint8_t *rgb = draw_picture(width, height, 3), *planes = malloc((size_t)count * 3);
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

/* Two pixels share their chroma; none is made up between. */
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

/* Four pixels of RGB, to be changed by each test. */
static const uint8_t four[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0};
static const DicomKind plain = {.syntax = SYNTAX_EXPLICIT,
                                .photometric = "RGB",
                                .rows = 2,
                                .columns = 2,
                                .samples = 3,
                                .pixels = four,
                                .pixels_bytes = 12};

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

static void the_header_is_told(void **state) {
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
        assert_false(dicom.encapsulated);
        assert_int_equal(dicom.pixels_bytes, 12);
        assert_memory_equal(data + dicom.pixels_at, four, 12);
        free(data);
    }
}

/* ---- JPEG */

enum { WIDTH = 48, HEIGHT = 33 };

static uint8_t *draw_jpeg(const uint8_t *pixels, JpegKind how, size_t *size) {
    how.width = WIDTH;
    how.height = HEIGHT;
    how.samples = pixels;
    how.components = how.components ? how.components : 3;
    how.given = how.components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    how.quality = 95;
    return make_jpeg_kind(&how, size);
}

static DicomKind jpeg_kind(const uint8_t *jpeg, size_t size) {
    return (DicomKind){.syntax = SYNTAX_JPEG,
                       .photometric = "YBR_FULL_422",
                       .rows = HEIGHT,
                       .columns = WIDTH,
                       .samples = 3,
                       .pixels = jpeg,
                       .pixels_bytes = size};
}

static void jpeg_in_one_or_many_fragments(void **state) {
    (void)state;
    uint8_t *pixels = draw_picture(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    Image want;
    int height, width;
    assert_ok(image_decode(name, jpeg, size, &(ImageDecode){0}, &want, &height, &width));
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
    uint8_t *pixels = draw_picture(WIDTH, HEIGHT, 2);
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
                 "a JPEG of 48 x 33 pixels in a picture of 48 x 32");
    assert_null(image.pixels);
    free(jpeg);
    free(pixels);
}

/* The JPEG's own word counts before the tag: each of these decodes to what was drawn, whatever the tag says, and the
 * last to something else where the tag is wrong. Quality 95 without subsampled edges keeps this drawing to 12 levels;
 * taken for the other colours, it is over 60 away. */
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
            expect_pixels(&kind, pixels, 3);
            free(jpeg);
        }
        /* Nothing told: the tag decides. */
        J_COLOR_SPACE stored = tag == 0 ? JCS_RGB : JCS_YCbCr;
        uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = stored, .marked = true, .ids = "\1\2\3"}, &size);
        DicomKind kind = jpeg_kind(jpeg, size);
        kind.photometric = tags[tag];
        expect_pixels(&kind, pixels, 3);
        free(jpeg);
    }
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
        expect_pixels(&kind, grey, 5); /* a ramp at quality 95: measured 2 */
    }
    free(jpeg);
}

static void wrong_jpegs(void **state) {
    (void)state;
    uint8_t *pixels = draw_picture(WIDTH, HEIGHT, 2);
    size_t size;
    uint8_t *jpeg = draw_jpeg(pixels, (JpegKind){.stored = JCS_YCbCr}, &size);
    DicomKind kind = jpeg_kind(jpeg, size);
    kind.pixels_bytes = size - 2; /* the end mark */
    expect_damaged(&kind, "damaged JPEG");
    kind = jpeg_kind(jpeg, 0);
    expect_damaged(&kind, "holds no JPEG");
    kind = jpeg_kind((const uint8_t *)"\x89PNG\r\n\x1A\n", 8);
    expect_damaged(&kind, "holds no JPEG");
    kind = jpeg_kind(jpeg, size);
    kind.columns++;
    expect_damaged(&kind, "a JPEG of 48 x 33 pixels in a picture of 49 x 33");
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

/* ---- refusals */

static void other_transfer_syntaxes(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1.99 (Deflated"},
        {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.2 (Explicit VR Big Endian"},
        {"1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.51 (JPEG Extended"},
        {"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.70 (JPEG Lossless"},
        {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.90 (JPEG 2000 Lossless"},
        {"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.5 (RLE Lossless"},
        {"1.2.3", "transfer syntax 1.2.3 (unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DicomKind kind = plain;
        kind.syntax = cases[i][0];
        expect_unsupported(&kind, cases[i][1]);
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

static void expect_bytes_damaged(const Writer *file, const char *part) {
    Dicom dicom;
    bool unsupported = true;
    assert_fails(dicom_parse(name, file->data, file->size, &dicom, &unsupported), EXIT_DATA, part);
    assert_false(unsupported);
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

/* Elements where they do not belong, one at a time behind a sound beginning. */
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
            put_picture(&file, &kind);
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
    uint8_t *pixels = draw_picture(WIDTH, HEIGHT, 2);
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
        cmocka_unit_test(native_rgb),
        cmocka_unit_test(native_grey),
        cmocka_unit_test(native_ybr),
        cmocka_unit_test(native_ybr_422),
        cmocka_unit_test(what_may_be_missing),
        cmocka_unit_test(the_header_is_told),
        cmocka_unit_test(jpeg_in_one_or_many_fragments),
        cmocka_unit_test(jpeg_at_a_fraction_of_its_size),
        cmocka_unit_test(jpeg_colours_by_its_markers),
        cmocka_unit_test(grey_jpeg),
        cmocka_unit_test(wrong_jpegs),
        cmocka_unit_test(other_transfer_syntaxes),
        cmocka_unit_test(other_pixel_formats),
        cmocka_unit_test(what_contradicts_itself),
        cmocka_unit_test(what_is_no_dicom),
        cmocka_unit_test(misplaced_elements),
        cmocka_unit_test(sequences_within_sequences),
        cmocka_unit_test(truncated_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
