/* SPDX-License-Identifier: Apache-2.0 */
/* What a file says about its image beside the pixels: which way it was held, how many bits are used, and what is odd
 * about it but costs no pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "image/encode.h"
#include "image/orientation.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

/* ---- orientation */

/* EXIF data with one other entry before the orientation; 34 bytes. */
enum { EXIF_BYTES = 34 };
static void make_exif(uint8_t exif[EXIF_BYTES], bool big_endian, int orientation) {
    static const uint8_t big[] = {'M', 'M', 0, 42,  0, 0, 0, 8, 0,    2, 1, 0x0F, 0, 2, 0,
                                  0,   0,   4, 'a', 0, 0, 0, 1, 0x12, 0, 3, 0,    0, 0, 1};
    static const uint8_t little[] = {'I', 'I', 42, 0,   8, 0, 0, 0,    2, 0, 0x0F, 1, 2, 0, 4,
                                     0,   0,   0,  'a', 0, 0, 0, 0x12, 1, 3, 0,    1, 0, 0, 0};
    memset(exif, 0, EXIF_BYTES);
    memcpy(exif, big_endian ? big : little, sizeof big);
    exif[big_endian ? 31 : 30] = (uint8_t)orientation;
}

/* A copy of `data` with `size` bytes of `piece` inserted at `at`; the caller's. */
static uint8_t *insert(const uint8_t *data, size_t *total, size_t at, const uint8_t *piece, size_t size) {
    uint8_t *longer = malloc(*total + size);
    assert_non_null(longer);
    memcpy(longer, data, at);
    memcpy(longer + at, piece, size);
    memcpy(longer + at + size, data + at, *total - at);
    *total += size;
    return longer;
}

static uint8_t *add_exif_to_jpeg(const uint8_t *jpeg, size_t *size, const uint8_t exif[EXIF_BYTES]) {
    uint8_t segment[10 + EXIF_BYTES] = {0xFF, 0xE1, 0, 8 + EXIF_BYTES, 'E', 'x', 'i', 'f', 0, 0};
    memcpy(segment + 10, exif, EXIF_BYTES);
    return insert(jpeg, size, 2, segment, sizeof segment);
}

/* Before the pixels, or after them. */
static uint8_t *add_exif_to_png(const uint8_t *png, size_t *size, const uint8_t exif[EXIF_BYTES], bool after) {
    uint8_t chunk[12 + EXIF_BYTES] = {0, 0, 0, EXIF_BYTES, 'e', 'X', 'I', 'f'};
    memcpy(chunk + 8, exif, EXIF_BYTES);
    const uint32_t crc = crc_of(chunk + 4, 4 + EXIF_BYTES);
    for (int i = 0; i < 4; i++)
        chunk[8 + EXIF_BYTES + i] = (uint8_t)(crc >> (24 - 8 * i));
    return insert(png, size, after ? *size - 12 : 33, chunk, sizeof chunk);
}

/* 3 x 2 blocks a b c / d e f of `side` pixels, whose upright look is drawn here for each orientation. */
static const char *const upright[9] = {[1] = "abc/def",  [2] = "cba/fed",  [3] = "fed/cba",  [4] = "def/abc",
                                       [5] = "ad/be/cf", [6] = "da/eb/fc", [7] = "fc/eb/da", [8] = "cf/be/ad"};

static uint8_t *draw_blocks(int side) {
    uint8_t *pixels = malloc((size_t)(side * side) * 6 * 3);
    assert_non_null(pixels);
    for (int i = 0; i < side * side * 6; i++) {
        const int block = i / (side * 3) / side * 3 + i % (side * 3) / side;
        memset(pixels + i * 3, 20 + 40 * block, 3);
    }
    return pixels;
}

/* Grey blocks of 40 levels apart: whether each lies where it should. */
static void expect_upright(const uint8_t *data, size_t size, int side, int orientation) {
    Image image;
    ImageFacts facts;
    assert_ok(image_decode("image", data, size, &(ImageDecode){0}, &image, &facts));
    assert_int_equal(facts.orientation, orientation);
    assert_string_equal(facts.warning, "");
    assert_int_equal(image.width, orientation < 5 ? 3 * side : 2 * side);
    assert_int_equal(image.height, orientation < 5 ? 2 * side : 3 * side);
    assert_int_equal(facts.width, image.width);
    assert_int_equal(facts.height, image.height);
    const char *look = upright[orientation];
    for (int y = 0, at = 0; y < image.height / side; y++, at++)
        for (int x = 0; x < image.width / side; x++, at++) {
            const size_t middle = (size_t)((y * side + side / 2) * image.width + x * side + side / 2) * 3;
            if (abs(image.pixels[middle] - (20 + 40 * (look[at] - 'a'))) > 3) /* a JPEG's rounding */
                fail_msg("orientation %d: %d at column %d, row %d", orientation, image.pixels[middle], x, y);
        }
    image_free(&image);
    assert_ok(image_decode("image", data, size, &(ImageDecode){.as_stored = true}, &image, &facts));
    assert_int_equal(facts.orientation, 1);
    assert_int_equal(image.width, 3 * side);
    image_free(&image);
}

static void all_eight_orientations(void **state) {
    uint8_t *blocks = draw_blocks(8), *dots = draw_blocks(1), *jpeg, *png, exif[EXIF_BYTES];
    char *path = scratch_path(*state, "a.png");
    size_t jpeg_size, png_size;
    assert_ok(image_encode_jpeg("a", blocks, 24, 16, 100, &jpeg, &jpeg_size));
    assert_ok(image_write_png(path, dots, 3, 2));
    scratch_read(*state, "a.png", &png, &png_size);
    for (int orientation = 0; orientation <= 9; orientation++)
        for (int variant = 0; variant < 2; variant++) {
            const int known = orientation >= 1 && orientation <= 8 ? orientation : 1;
            make_exif(exif, variant, orientation);
            size_t size = jpeg_size;
            uint8_t *turned = add_exif_to_jpeg(jpeg, &size, exif);
            expect_upright(turned, size, 8, known);
            free(turned);
            size = png_size;
            turned = add_exif_to_png(png, &size, exif, variant);
            expect_upright(turned, size, 1, known);
            const size_t at = variant ? size - 12 - 8 : 33 + 8; /* within EXIF's chunk: its sum is wrong now */
            turned[at] ^= 1;
            Image image;
            ImageFacts facts;
            assert_fails(image_decode("image", turned, size, &(ImageDecode){0}, &image, &facts), EXIT_DATA,
                         "damaged PNG: eXIf: wrong checksum");
            free(turned);
        }
    expect_upright(jpeg, jpeg_size, 8, 1);
    free(png);
    free(jpeg);
    free(path);
    free(dots);
    free(blocks);
}

/* In memory of exactly its size, cut anywhere, with any byte changed: a sanitizer would see a step beyond. */
static void odd_exif_is_no_orientation(void **state) {
    (void)state;
    uint8_t exif[EXIF_BYTES];
    for (int big = 0; big < 2; big++) {
        make_exif(exif, big, 6);
        assert_int_equal(orientation_of_exif(exif, EXIF_BYTES), 6);
        for (size_t size = 0; size < EXIF_BYTES; size++) {
            uint8_t *exact = malloc(size + !size);
            assert_non_null(exact);
            memcpy(exact, exif, size);
            assert_int_equal(orientation_of_exif(exact, size), 1);
            free(exact);
        }
        for (size_t at = 0; at < EXIF_BYTES; at++)
            for (int value = 0; value < 256; value += 5) {
                const uint8_t kept = exif[at];
                exif[at] = (uint8_t)value;
                assert_in_range(orientation_of_exif(exif, EXIF_BYTES), 1, 8);
                exif[at] = kept;
            }
    }
}

/* ---- 16 bits */

/* A PNG of 2 x 1 grey or colour pixels, the first value being `least` and the others `most`: becomes low and high. */
static void expect_levels(const char *root, int type, int significant, unsigned least, unsigned most, int low, int high,
                          const char *warning) {
    const int values = type == PNG_COLOR_TYPE_GRAY ? 2 : 6;
    uint8_t rows[12], *data;
    for (int i = 0; i < values; i++) {
        rows[2 * i] = (uint8_t)((i ? most : least) >> 8);
        rows[2 * i + 1] = (uint8_t)(i ? most : least);
    }
    char *path = scratch_path(root, "deep.png");
    write_png_kind(path, &(PngKind){.width = 2,
                                    .height = 1,
                                    .rows = rows,
                                    .row_bytes = (size_t)values * 2,
                                    .depth = 16,
                                    .type = type,
                                    .significant = significant});
    size_t size;
    scratch_read(root, "deep.png", &data, &size);
    Image image;
    ImageFacts facts;
    assert_ok(image_decode("image", data, size, &(ImageDecode){0}, &image, &facts));
    assert_int_equal(image.pixels[0], low);
    assert_int_equal(image.pixels[3], high);
    assert_int_equal(image.pixels[5], high);
    assert_string_equal(facts.warning, warning);
    image_free(&image);
    free(data);
    free(path);
}

static void sixteen_bits_by_those_that_are_used(void **state) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB};
    for (int i = 0; i < 2; i++) {
        const int type = types[i];
        expect_levels(*state, type, 0, 0x1234, 0xFFFF, 0x12, 0xFF, "");
        expect_levels(*state, type, 0, 0x0123, 0x4000, 0x01, 0x40, "");
        expect_levels(*state, type, 0, 0x0800, 0x0FFF, 0x80, 0xFF,
                      "16-bit values that never exceed 4095, read as 12 bits");
        expect_levels(*state, type, 0, 0x0100, 0x1000, 0x04, 0x40,
                      "16-bit values that never exceed 4096, read as 14 bits");
        expect_levels(*state, type, 0, 0x0100, 0x03FF, 0x40, 0xFF,
                      "16-bit values that never exceed 1023, read as 10 bits");
        expect_levels(*state, type, 0, 0x0001, 0x00FF, 0x01, 0xFF,
                      "16-bit values that never exceed 255, read as 8 bits");
        expect_levels(*state, type, 0, 0, 0, 0, 0, "");
        /* As PNG has it, the values are scaled up to 16 bits; some writers only put the chunk there. */
        expect_levels(*state, type, 12, 0x8000, 0xFFF0, 0x80, 0xFF, "");
        expect_levels(*state, type, 12, 0x0080, 0x03FF, 0x08, 0x3F,
                      "16-bit values that never exceed 1023, read as 12 bits, which the file states");
        expect_levels(*state, type, 16, 0x0080, 0x03FF, 0x00, 0x03, "");
    }
}

/* ---- warnings */

/* Decodes `jpeg` and frees it: the pixels of `want`, and the warning; refused where `warning` is NULL. */
static void expect_warning(uint8_t *jpeg, size_t size, const Image *want, const char *warning) {
    Image image;
    ImageFacts facts;
    Status status = image_decode("image", jpeg, size, &(ImageDecode){0}, &image, &facts);
    if (!warning) {
        assert_fails(status, EXIT_DATA, "damaged JPEG");
    } else {
        assert_ok(status);
        assert_memory_equal(image.pixels, want->pixels, (size_t)want->width * (size_t)want->height * 3);
        assert_non_null(strstr(facts.warning, warning));
        if (!*warning)
            assert_string_equal(facts.warning, "");
    }
    image_free(&image);
    free(jpeg);
}

/* Where the marker FF `mark` begins for the first time. */
static size_t find_mark(const uint8_t *jpeg, size_t size, int mark) {
    for (size_t i = 0; i + 1 < size; i++)
        if (jpeg[i] == 0xFF && jpeg[i + 1] == mark)
            return i;
    fail_msg("no marker %02x", (unsigned)mark);
    return 0;
}

static uint8_t *change(const uint8_t *jpeg, size_t size, size_t at, uint8_t value) {
    uint8_t *changed = malloc(size);
    assert_non_null(changed);
    memcpy(changed, jpeg, size);
    changed[at] = value;
    return changed;
}

/* With 13 bytes inserted at `at`. */
static void expect_filled(const uint8_t *jpeg, size_t size, size_t at, const Image *want, const char *warning) {
    static const char filler[] = "thirteenbytes";
    size_t longer = size;
    uint8_t *filled = insert(jpeg, &longer, at, (const uint8_t *)filler, strlen(filler));
    expect_warning(filled, longer, want, warning);
}

static void warnings_of_jpeg_by_what_they_cost(void **state) {
    (void)state;
    enum { WIDTH = 80, HEIGHT = 48 };
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 7);
    size_t size;
    uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = WIDTH,
                                               .height = HEIGHT,
                                               .samples = pixels,
                                               .components = 3,
                                               .given = JCS_RGB,
                                               .stored = JCS_YCbCr,
                                               .restart = 5},
                                   &size);
    Image want;
    ImageFacts facts;
    assert_ok(image_decode("image", jpeg, size, &(ImageDecode){0}, &want, &facts));
    assert_string_equal(facts.warning, "");
    /* Headers: JFIF of version 2; a scan's spectral range, as a maker of phones writes it. */
    expect_warning(change(jpeg, size, find_mark(jpeg, size, 0xE0) + 9, 2), size, &want, "JFIF revision number 2");
    expect_warning(change(jpeg, size, find_mark(jpeg, size, 0xDA) + 12, 0), size, &want, "Invalid SOS parameters");
    /* Extra bytes before a header's marker and before the end mark; after that a file may hold anything. */
    expect_filled(jpeg, size, find_mark(jpeg, size, 0xC4), &want, "13 extraneous bytes");
    expect_filled(jpeg, size, size - 2, &want, "extraneous bytes before marker 0xd9");
    expect_filled(jpeg, size, size, &want, "");
    /* Coded data left over before a restart, or not enough of it; a restart that is another; no end. */
    const size_t restart = find_mark(jpeg, size, 0xD1);
    expect_filled(jpeg, size, restart, &want, NULL);
    uint8_t *shorter = change(jpeg, size, 0, 0xFF);
    memmove(shorter + restart - 8, shorter + restart, size - restart);
    expect_warning(shorter, size - 8, &want, NULL);
    expect_warning(change(jpeg, size, restart + 1, 0xD5), size, &want, NULL);
    expect_warning(change(jpeg, size, 0, 0xFF), size - 2, &want, NULL);
    image_free(&want);
    free(jpeg);
    free(pixels);
}

/* DICOM's tag says RGB, no marker says anything: subsampled, it is YCbCr, and told; at full resolution it is RGB. */
static void subsampled_colours_are_not_rgb(void **state) {
    (void)state;
    uint8_t samples[32 * 32 * 3];
    for (int i = 0; i < 32 * 32; i++)
        memcpy(samples + i * 3, "\xC8\x50\x1E", 3);
    for (int full = 0; full < 2; full++) {
        size_t size;
        uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = 32,
                                                   .height = 32,
                                                   .samples = samples,
                                                   .components = 3,
                                                   .given = JCS_RGB,
                                                   .stored = full ? JCS_RGB : JCS_YCbCr,
                                                   .marked = true,
                                                   .full_chroma = full,
                                                   .ids = "\1\2\3"},
                                       &size);
        Image image;
        ImageFacts facts;
        const ImageDecode how = {.colours = IMAGE_COLOURS_RGB};
        assert_ok(image_decode("image", jpeg, size, &how, &image, &facts));
        for (int channel = 0; channel < 3; channel++) /* two changes of colour space round by a level each */
            assert_in_range(image.pixels[channel] + 2, samples[channel], samples[channel] + 4);
        assert_string_equal(facts.warning,
                            full ? "" : "read as YCbCr: the tag says RGB, but two components have fewer samples");
        image_free(&image);
        free(jpeg);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_eight_orientations, setup, teardown),
        cmocka_unit_test(odd_exif_is_no_orientation),
        cmocka_unit_test_setup_teardown(sixteen_bits_by_those_that_are_used, setup, teardown),
        cmocka_unit_test(warnings_of_jpeg_by_what_they_cost),
        cmocka_unit_test(subsampled_colours_are_not_rgb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
