/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM photographs in JPEG 2000, JPEG-LS, RLE, and deflated: their pixels, and what is refused by its reason. That
 * other writers' files come out the same is tested in tests/e2e/dicom.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/dicom/dicom_inflate.h"
#include "tests/fixtures/codings.h"
#include "tests/fixtures/dicom_expect.h"

enum { COUNT = WIDTH * HEIGHT };

typedef struct {
    uint8_t *rgb, grey[COUNT], spread[COUNT * 3]; /* grey in all three channels */
    Pixels colour, plain_grey;
} Drawn;

static int setup(void **state) {
    Drawn *drawn = calloc(1, sizeof *drawn);
    assert_non_null(drawn);
    drawn->rgb = draw_image(WIDTH, HEIGHT, 6);
    memset(drawn->rgb + WIDTH * 3, 90, WIDTH * 6); /* rows of one level: runs */
    for (int i = 0; i < COUNT; i++)
        drawn->grey[i] = drawn->spread[i * 3] = drawn->spread[i * 3 + 1] = drawn->spread[i * 3 + 2] =
            drawn->rgb[i * 3 + 1];
    drawn->colour = (Pixels){WIDTH, HEIGHT, 3, drawn->rgb};
    drawn->plain_grey = (Pixels){WIDTH, HEIGHT, 1, drawn->grey};
    *state = drawn;
    return 0;
}

static int teardown(void **state) {
    Drawn *drawn = *state;
    free(drawn->rgb);
    free(drawn);
    return 0;
}

static DicomKind kind_of(const char *syntax, const char *photometric, int samples, const uint8_t *coded, size_t size) {
    DicomKind kind = jpeg_kind(coded, size);
    kind.syntax = syntax;
    kind.photometric = photometric;
    kind.samples = samples;
    return kind;
}

/* In one fragment and in several, with an offset table and without: `rgb` comes out. */
static void expect_coded(DicomKind kind, const uint8_t *rgb, int most) {
    for (int fragments = 1; fragments < 5; fragments += 3)
        for (kind.table = 0; kind.table < 2; kind.table++) {
            kind.fragments = fragments;
            kind.planar = kind.table; /* says nothing about coded pixels */
            expect_pixels(&kind, rgb, most);
        }
}

/* Frees `coded`. */
static void expect_reason(const char *syntax, uint8_t *coded, size_t size, const char *part) {
    DicomKind kind = kind_of(syntax, "RGB", 3, coded, size);
    expect_damaged(&kind, part);
    free(coded);
}

/* ---- JPEG 2000 */

static void jpeg_2000(void **state) {
    const Drawn *drawn = *state;
    static const J2kKind kinds[] = {{0},
                                    {.transform = true},
                                    {.tile = 16},
                                    {.left = 5, .top = 9, .tile = 20},
                                    {.within_boxes = true, .transform = true}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size;
        uint8_t *coded = make_j2k(&drawn->colour, &kinds[i], &size);
        expect_coded(kind_of(SYNTAX_JPEG_2000, kinds[i].transform ? "YBR_RCT" : "RGB", 3, coded, size), drawn->rgb, 0);
        free(coded);
    }
    for (int boxes = 0; boxes < 2; boxes++) {
        size_t size;
        uint8_t *coded = make_j2k(&drawn->plain_grey, &(J2kKind){.within_boxes = boxes}, &size);
        expect_coded(kind_of(SYNTAX_JPEG_2000, "MONOCHROME2", 1, coded, size), drawn->spread, 0);
        free(coded);
    }
}

/* At half its size. A twentieth of these levels would be off by more if the transform were not undone. */
static void lossy_jpeg_2000(void **state) {
    const Drawn *drawn = *state;
    uint8_t flat[COUNT * 3];
    for (int i = 0; i < COUNT; i++)
        memcpy(flat + i * 3, "\xC8\x50\x1E", 3);
    size_t size;
    uint8_t *coded = make_j2k(&(Pixels){WIDTH, HEIGHT, 3, flat}, &(J2kKind){.transform = true, .rate = 2}, &size);
    expect_coded(kind_of("1.2.840.10008.1.2.4.91", "YBR_ICT", 3, coded, size), flat, 1); /* a level of rounding */
    free(coded);
    coded = make_j2k(&drawn->plain_grey, &(J2kKind){.rate = 1.2F}, &size);
    expect_coded(kind_of("1.2.840.10008.1.2.4.91", "MONOCHROME2", 1, coded, size), drawn->spread, 16);
    free(coded);
}

static void jpeg_2000_refused(void **state) {
    const Drawn *drawn = *state;
    const Pixels *colour = &drawn->colour;
    size_t size;
    uint8_t *coded = make_j2k(colour, &(J2kKind){.is_signed = true}, &size);
    expect_reason(SYNTAX_JPEG_2000, coded, size, "signed values of 8 bits, but the header says 8 unsigned");
    coded = make_j2k(colour, &(J2kKind){.bits = 12}, &size);
    expect_reason(SYNTAX_JPEG_2000, coded, size, "values of 12 bits, but the header says 8 unsigned");
    coded = make_j2k(&drawn->plain_grey, &(J2kKind){0}, &size);
    expect_reason(SYNTAX_JPEG_2000, coded, size, "1 components, not 3");
    coded = make_j2k(&(Pixels){WIDTH, HEIGHT - 1, 3, drawn->rgb}, &(J2kKind){0}, &size);
    expect_reason(SYNTAX_JPEG_2000, coded, size, "48 x 32 pixels in an image of 48 x 33");
    coded = make_j2k(colour, &(J2kKind){.subsampled = true}, &size);
    DicomKind kind = kind_of(SYNTAX_JPEG_2000, "YBR_FULL_422", 3, coded, size);
    expect_unsupported(&kind, "components differ in resolution");
    free(coded);
}

/* Nine tiles of 16 pixels; each of these files decodes to an image with something missing, or takes memory that it has
 * no data for. */
static void jpeg_2000_cut_short(void **state) {
    const Drawn *drawn = *state;
    size_t size;
    uint8_t *coded = make_j2k(&drawn->colour, &(J2kKind){.tile = 16}, &size);
    size_t last = 0, mark = size - 2;
    for (size_t i = 0; i + 3 < size; i++)
        if (coded[i] == 0xFF && coded[i + 1] == 0x90 && coded[i + 2] == 0 && coded[i + 3] == 10)
            last = i;
    const struct {
        size_t at;
        uint8_t value;
        const char *part;
    } changes[] = {{last + 5, 7, "8 of 9 tiles"},           /* tile 8's number: the one before again */
                   {last + 5, 9, "cut short: tile 9 of 9"}, /* beyond the last */
                   {last + 7, 1, "cut short: tile 8 of 9"}, /* longer than the file */
                   {mark + 1, 0xD8, "no end mark"},
                   {27, 1, "tiles that do not cover the image"}, /* 1 x 16; its last byte follows */
                   {2, 0, "does not begin with its size"},
                   {last + 1, 0x91, "8 of 9 tiles"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t *changed = malloc(size);
        memcpy(changed, coded, size);
        changed[changes[i].at] = changes[i].value;
        if (changes[i].at == 27) { /* the tiles' left edge: beyond the image's */
            changed[27] = coded[27];
            changed[35] = 1;
        }
        expect_reason(SYNTAX_JPEG_2000, changed, size, changes[i].part);
    }
    memset(coded + 24, 0, 8); /* tiles of one pixel: 1,584 */
    coded[27] = coded[31] = 1;
    expect_reason(SYNTAX_JPEG_2000, coded, size, "1584 tiles in");
    coded = make_j2k(&drawn->colour, &(J2kKind){.within_boxes = true}, &size);
    coded[15] = 255; /* the second box's length */
    coded[13] = 255;
    expect_reason(SYNTAX_JPEG_2000, coded, size, "a box of 16711935 bytes");
    coded = make_j2k(&drawn->colour, &(J2kKind){.within_boxes = true}, &size);
    for (size_t i = 0; i + 4 < size; i++)
        if (memcmp(coded + i, "jp2c", 4) == 0)
            coded[i] = 'k';
    expect_reason(SYNTAX_JPEG_2000, coded, size, "no codestream within its boxes");
}

/* ---- JPEG-LS */

static void jpeg_ls(void **state) {
    const Drawn *drawn = *state;
    static const charls_interleave_mode modes[] = {CHARLS_INTERLEAVE_MODE_NONE, CHARLS_INTERLEAVE_MODE_LINE,
                                                   CHARLS_INTERLEAVE_MODE_SAMPLE};
    for (int i = 0; i < 3; i++)
        for (int near = 0; near < 3; near += 2) {
            size_t size;
            uint8_t *coded = make_jpeg_ls(&drawn->colour, modes[i], near, 8, &size);
            expect_coded(kind_of(SYNTAX_JPEG_LS, "RGB", 3, coded, size), drawn->rgb, near);
            free(coded);
            coded = make_jpeg_ls(&drawn->plain_grey, CHARLS_INTERLEAVE_MODE_NONE, near, 8, &size);
            expect_coded(kind_of("1.2.840.10008.1.2.4.81", "MONOCHROME2", 1, coded, size), drawn->spread, near);
            free(coded);
        }
}

static void jpeg_ls_refused(void **state) {
    const Drawn *drawn = *state;
    size_t size;
    uint8_t *coded = make_jpeg_ls(&drawn->plain_grey, CHARLS_INTERLEAVE_MODE_NONE, 0, 8, &size);
    expect_reason(SYNTAX_JPEG_LS, coded, size, "damaged JPEG-LS: 1 components of 8 bits, not 3 of 8");
    coded = make_jpeg_ls(&(Pixels){WIDTH, HEIGHT - 1, 3, drawn->rgb}, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &size);
    expect_reason(SYNTAX_JPEG_LS, coded, size, "48 x 32 pixels in an image of 48 x 33");
    coded = make_jpeg_ls(&drawn->colour, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &size);
    memset(coded + size / 2, 0, size / 2 - 2);
    expect_reason(SYNTAX_JPEG_LS, coded, size, "damaged JPEG-LS: ");
    coded = make_jpeg_ls(&drawn->colour, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &size);
    expect_reason(SYNTAX_JPEG_LS, coded, size - 2, "cut short: it has no end mark");
}

/* ---- RLE */

static void rle(void **state) {
    const Drawn *drawn = *state;
    size_t size;
    uint8_t *coded = make_rle(&drawn->colour, &size);
    expect_coded(kind_of(SYNTAX_RLE, "RGB", 3, coded, size), drawn->rgb, 0);
    free(coded);
    coded = make_rle(&drawn->plain_grey, &size);
    expect_coded(kind_of(SYNTAX_RLE, "MONOCHROME2", 1, coded, size), drawn->spread, 0);
    free(coded);
}

/* Four pixels of grey, by hand: two values as they are, nothing, and the third one twice. */
static void rle_by_hand(void **state) {
    (void)state;
    uint8_t coded[70] = {[0] = 1, [4] = 64, [64] = 1, 10, 20, 128, 255, 30};
    static const uint8_t want[] = {10, 10, 10, 20, 20, 20, 30, 30, 30, 30, 30, 30};
    DicomKind kind = plain;
    kind.syntax = SYNTAX_RLE;
    kind.photometric = "MONOCHROME2";
    kind.samples = 1;
    kind.pixels = coded;
    kind.pixels_bytes = sizeof coded;
    expect_pixels(&kind, want, 0);
    static const struct {
        int at;
        uint8_t value;
        const char *part;
    } changes[] = {{0, 0, "0 segments for 1 components"},  {0, 3, "3 segments for 1 components"},
                   {4, 63, "segment 1 is at bytes 63 to"}, {4, 71, "segment 1 is at bytes 71 to"},
                   {64, 5, "cut short within a run"},      {68, 254, "more values than the image"},
                   {64, 4, "more values than the image"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const uint8_t kept = coded[changes[i].at];
        coded[changes[i].at] = changes[i].value;
        expect_damaged(&kind, changes[i].part);
        coded[changes[i].at] = kept;
    }
    kind.pixels_bytes = 68;
    expect_damaged(&kind, "ends 2 pixels early");
    kind.pixels_bytes = 62;
    expect_damaged(&kind, "62 bytes, less than its header");
}

/* A segment that ends early must not read on in the next one. */
static void rle_segments_keep_apart(void **state) {
    (void)state;
    uint8_t coded[72] = {[0] = 3, [4] = 64, [8] = 66, [12] = 68, [64] = 253, 1, 253, 2, 253, 3};
    static const uint8_t want[] = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
    DicomKind kind = plain;
    kind.syntax = SYNTAX_RLE;
    kind.pixels = coded;
    kind.pixels_bytes = sizeof coded;
    expect_pixels(&kind, want, 0);
    coded[64] = 254;
    expect_damaged(&kind, "segment 1 ends 1 pixels early");
    coded[64] = 253;
    coded[12] = 60;
    expect_damaged(&kind, "segment 2 is at bytes 66 to 60");
    coded[12] = 200;
    expect_damaged(&kind, "segment 2 is at bytes 66 to 200 of 72");
}

/* ---- all of them */

static void colours_by_the_tag(void **state) {
    (void)state;
    uint8_t ybr[COUNT * 3], rgb[COUNT * 3];
    for (int i = 0; i < COUNT; i++) {
        memcpy(ybr + i * 3, "\x6E\x53\xC0", 3); /* of 200, 80, 30 */
        memcpy(rgb + i * 3, "\xC8\x50\x1E", 3);
    }
    const Pixels image = {WIDTH, HEIGHT, 3, ybr};
    static const char *const tags[] = {"YBR_FULL", "YBR_FULL_422", "RGB"};
    size_t sizes[3];
    uint8_t *coded[] = {make_j2k(&image, &(J2kKind){0}, &sizes[0]),
                        make_jpeg_ls(&image, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &sizes[1]),
                        make_rle(&image, &sizes[2])};
    static const char *const syntaxes[] = {SYNTAX_JPEG_2000, SYNTAX_JPEG_LS, SYNTAX_RLE};
    for (int i = 0; i < 3; i++) {
        for (int tag = 0; tag < 3; tag++)
            expect_coded(kind_of(syntaxes[i], tags[tag], 3, coded[i], sizes[i]), tag == 2 ? ybr : rgb, 0);
        DicomKind kind = kind_of(syntaxes[i], "YBR_RCT", 3, coded[i], sizes[i]);
        if (i)
            expect_unsupported(&kind, "YBR_RCT");
        free(coded[i]);
    }
}

static void inverted_grey(void **state) {
    const Drawn *drawn = *state;
    uint8_t inverted[COUNT * 3];
    for (int i = 0; i < COUNT * 3; i++)
        inverted[i] = (uint8_t)(255 - drawn->spread[i]);
    size_t sizes[3];
    uint8_t *coded[] = {make_j2k(&drawn->plain_grey, &(J2kKind){0}, &sizes[0]),
                        make_jpeg_ls(&drawn->plain_grey, CHARLS_INTERLEAVE_MODE_NONE, 0, 8, &sizes[1]),
                        make_rle(&drawn->plain_grey, &sizes[2])};
    static const char *const syntaxes[] = {SYNTAX_JPEG_2000, SYNTAX_JPEG_LS, SYNTAX_RLE};
    for (int i = 0; i < 3; i++) {
        expect_coded(kind_of(syntaxes[i], "MONOCHROME1", 1, coded[i], sizes[i]), inverted, 0);
        free(coded[i]);
    }
}

static void a_second_image_is_noticed(void **state) {
    const Drawn *drawn = *state;
    size_t sizes[2];
    uint8_t *coded[] = {make_j2k(&drawn->colour, &(J2kKind){0}, &sizes[0]),
                        make_jpeg_ls(&drawn->colour, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &sizes[1])};
    for (int i = 0; i < 2; i++) {
        const size_t size = sizes[i] + sizes[i] % 2;
        uint8_t *twice = calloc(2, size);
        memcpy(twice, coded[i], sizes[i]);
        memcpy(twice + size, coded[i], sizes[i]);
        DicomKind kind = kind_of(i ? SYNTAX_JPEG_LS : SYNTAX_JPEG_2000, "RGB", 3, twice, size * 2);
        kind.fragments = 2;
        expect_damaged(&kind, "a second image begins at byte");
        free(twice);
        free(coded[i]);
    }
}

/* A few bytes must not make us allocate a gigabyte. */
static void claims_are_doubted(void **state) {
    (void)state;
    static const char *const syntaxes[] = {SYNTAX_JPEG_2000, SYNTAX_JPEG_LS, SYNTAX_RLE};
    for (int i = 0; i < 3; i++) {
        DicomKind kind = kind_of(syntaxes[i], "RGB", 3, four, 12);
        kind.rows = kind.columns = 20000;
        expect_damaged(&kind, "truncated: claims 20000 x 20000 pixels in 12 bytes");
    }
}

/* ---- deflated */

static void deflated(void **state) {
    (void)state;
    DicomKind kind = plain;
    kind.syntax = SYNTAX_DEFLATED;
    for (int crowded = 0; crowded < 2; crowded++) {
        kind.crowded = crowded;
        expect_pixels(&kind, four, 0);
    }
    kind.pixels_bytes = 10;
    expect_damaged(&kind, "10 bytes of pixel data, but 2 x 2 pixels of RGB take 12");
}

/* `deflated` bytes after a header that says so: refused for `part`. */
static void expect_deflated_damaged(const uint8_t *deflated, size_t size, const char *part) {
    DicomKind kind = plain;
    kind.syntax = SYNTAX_DEFLATED;
    Writer out = {0};
    put_meta(&out, &kind);
    put(&out, deflated, size);
    Dicom dicom;
    bool unsupported;
    assert_fails(dicom_parse(name, out.data, out.size, &dicom, &unsupported), EXIT_DATA, part);
    assert_false(unsupported);
    assert_null(dicom.inflated);
    free(out.data);
}

static void deflated_damaged(void **state) {
    (void)state;
    DicomKind kind = plain;
    kind.syntax = SYNTAX_DEFLATED;
    size_t size, tail;
    uint8_t *whole = make_dicom(&kind, &size, &tail);
    Writer meta = {0};
    put_meta(&meta, &kind);
    for (size_t left = 0; left < size - meta.size - 2; left++)
        expect_deflated_damaged(whole + meta.size, left, "damaged DICOM: cut short: the deflated data set");
    expect_deflated_damaged((const uint8_t *)"\xFF\xFF\xFF", 3, "damaged DICOM: the deflated data set: ");
    free(meta.data);
    free(whole);
}

/* 64 KiB of zeros take 70 bytes: allowed if that much may come out, and not a byte less. */
static void a_bomb(void **state) {
    (void)state;
    enum { BYTES = 1 << 16 };
    Writer out = {.data = calloc(1, BYTES), .size = BYTES, .room = BYTES};
    deflate_rest(&out, 0);
    assert_in_range(out.size, 1, 200);
    uint8_t *inflated;
    size_t size;
    assert_ok(dicom_inflate(name, out.data, out.size, BYTES, &inflated, &size));
    assert_int_equal(size, BYTES);
    free(inflated);
    assert_fails(dicom_inflate(name, out.data, out.size, BYTES - 1, &inflated, &size), EXIT_DATA,
                 "damaged DICOM: the deflated data set inflates to over 65535 bytes");
    assert_null(inflated);
    free(out.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(jpeg_2000),
        TEST(lossy_jpeg_2000),
        TEST(jpeg_2000_refused),
        TEST(jpeg_2000_cut_short),
        TEST(jpeg_ls),
        TEST(jpeg_ls_refused),
        TEST(rle),
        cmocka_unit_test(rle_by_hand),
        cmocka_unit_test(rle_segments_keep_apart),
        TEST(colours_by_the_tag),
        TEST(inverted_grey),
        TEST(a_second_image_is_noticed),
        cmocka_unit_test(claims_are_doubted),
        cmocka_unit_test(deflated),
        cmocka_unit_test(deflated_damaged),
        cmocka_unit_test(a_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
