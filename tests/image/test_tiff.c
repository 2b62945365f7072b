/* SPDX-License-Identifier: Apache-2.0 */
/* TIFF in the layouts that libtiff writes; what is not read is refused by its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { WIDTH = 37, HEIGHT = 22, COUNT = WIDTH * HEIGHT };

typedef struct {
    char *root, *path;
    uint8_t *rgb, grey[COUNT], spread[COUNT * 3];
    uint16_t deep_rgb[COUNT * 3], deep_grey[COUNT];
} Drawn;

static int setup(void **state) {
    Drawn *drawn = calloc(1, sizeof *drawn);
    assert_non_null(drawn);
    drawn->root = scratch_make();
    drawn->path = scratch_path(drawn->root, "a.tif");
    drawn->rgb = draw_image(WIDTH, HEIGHT, 8);
    drawn->rgb[0] = drawn->rgb[1] = 255; /* all 16 bits are used */
    for (int i = 0; i < COUNT * 3; i++)
        drawn->deep_rgb[i] = (uint16_t)(drawn->rgb[i] << 8 | i % 256);
    for (int i = 0; i < COUNT; i++) {
        drawn->grey[i] = drawn->rgb[i * 3 + 1];
        drawn->deep_grey[i] = drawn->deep_rgb[i * 3 + 1];
        memset(drawn->spread + i * 3, drawn->grey[i], 3);
    }
    *state = drawn;
    return 0;
}

static int teardown(void **state) {
    Drawn *drawn = *state;
    scratch_remove(drawn->root);
    free(drawn->path);
    free(drawn->rgb);
    free(drawn);
    return 0;
}

static void read_kind(const Drawn *drawn, const TiffKind *kind, Image *image, ImageFacts *facts) {
    uint8_t *data;
    size_t size;
    write_tiff_kind(drawn->path, kind);
    scratch_read(drawn->root, "a.tif", &data, &size);
    assert_ok(image_decode("image", data, size, &(ImageDecode){0}, image, facts));
    free(data);
}

static void expect_pixels(const Drawn *drawn, const TiffKind *kind, const uint8_t *want, int most) {
    Image image;
    ImageFacts facts;
    read_kind(drawn, kind, &image, &facts);
    assert_string_equal(facts.warning, "");
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    for (int i = 0; i < COUNT * 3; i++)
        if (abs(image.pixels[i] - want[i]) > most)
            fail_msg("compression %d, %d bits, tile %d: value %d is %d, not %d", kind->compression, kind->bits,
                     kind->tile, i, image.pixels[i], want[i]);
    image_free(&image);
}

static void grey_and_colour_in_every_layout(void **state) {
    const Drawn *drawn = *state;
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                       COMPRESSION_PACKBITS};
    static const char *const modes[] = {"wl", "wb", "w8"}; /* either order of bytes, BigTIFF */
    for (int i = 0; i < 4; i++)
        for (int round = 0; round < 24; round++) {
            TiffKind kind = {.width = WIDTH, .height = HEIGHT, .compression = compressions[i]};
            kind.mode = modes[round % 3];
            kind.tile = round / 3 % 2 ? 16 : 0;
            kind.planes = round / 6 % 2;
            kind.bits = round / 12 ? 16 : 8;
            kind.components = 3;
            kind.photometric = PHOTOMETRIC_RGB;
            kind.samples = kind.bits == 16 ? (const uint8_t *)drawn->deep_rgb : drawn->rgb;
            expect_pixels(drawn, &kind, drawn->rgb, 0);
            kind.components = 1;
            kind.photometric = PHOTOMETRIC_MINISBLACK;
            kind.samples = kind.bits == 16 ? (const uint8_t *)drawn->deep_grey : drawn->grey;
            expect_pixels(drawn, &kind, drawn->spread, 0);
        }
}

static void inverted_palette_and_jpeg(void **state) {
    Drawn *drawn = *state;
    uint8_t want[COUNT * 3];
    TiffKind kind = {.width = WIDTH,
                     .height = HEIGHT,
                     .components = 1,
                     .photometric = PHOTOMETRIC_MINISWHITE,
                     .samples = drawn->grey};
    for (int i = 0; i < COUNT * 3; i++)
        want[i] = (uint8_t)(255 - drawn->spread[i]);
    expect_pixels(drawn, &kind, want, 0);
    kind.bits = 16;
    kind.samples = (const uint8_t *)drawn->deep_grey;
    expect_pixels(drawn, &kind, want, 0);
    uint16_t map[3 * 256];
    for (int shift = 0; shift <= 8; shift += 8) { /* as TIFF has it, and as some writers do */
        for (int i = 0; i < 256; i++) {
            map[i] = (uint16_t)(i << shift);
            map[256 + i] = (uint16_t)((255 - i) << shift);
            map[512 + i] = (uint16_t)(7 << shift);
        }
        kind = (TiffKind){.width = WIDTH,
                          .height = HEIGHT,
                          .components = 1,
                          .photometric = PHOTOMETRIC_PALETTE,
                          .map = map,
                          .samples = drawn->grey};
        for (int i = 0; i < COUNT; i++) {
            want[i * 3] = drawn->grey[i];
            want[i * 3 + 1] = (uint8_t)(255 - drawn->grey[i]);
            want[i * 3 + 2] = 7;
        }
        expect_pixels(drawn, &kind, want, 0);
    }
    for (int i = 0; i < COUNT; i++)
        memcpy(want + i * 3, "\xC8\x50\x1E", 3);
    kind = (TiffKind){.width = WIDTH,
                      .height = HEIGHT,
                      .components = 3,
                      .photometric = PHOTOMETRIC_YCBCR,
                      .compression = COMPRESSION_JPEG,
                      .samples = want};
    expect_pixels(drawn, &kind, want, 3); /* quality 75 of one colour */
}

static void alpha_is_dropped(void **state) {
    Drawn *drawn = *state;
    uint8_t rgba[COUNT * 4];
    for (int i = 0; i < COUNT; i++) {
        memcpy(rgba + i * 4, drawn->rgb + i * 3, 3);
        rgba[i * 4 + 3] = (uint8_t)i;
    }
    for (int planes = 0; planes < 2; planes++)
        expect_pixels(drawn,
                      &(TiffKind){.width = WIDTH,
                                  .height = HEIGHT,
                                  .components = 4,
                                  .planes = planes,
                                  .photometric = PHOTOMETRIC_RGB,
                                  .samples = rgba},
                      drawn->rgb, 0);
}

static TiffKind of_grey(const Drawn *drawn) {
    return (TiffKind){.width = WIDTH,
                      .height = HEIGHT,
                      .components = 1,
                      .photometric = PHOTOMETRIC_MINISBLACK,
                      .samples = drawn->grey};
}

static void twelve_of_sixteen_bits(void **state) {
    Drawn *drawn = *state;
    for (int i = 0; i < COUNT; i++)
        drawn->deep_grey[i] = (uint16_t)(i ? i : 4095);
    TiffKind kind = of_grey(drawn);
    kind.bits = 16;
    kind.samples = (const uint8_t *)drawn->deep_grey;
    static const int most[] = {0, 4095, 65535};
    for (int i = 0; i < 3; i++) {
        Image image;
        ImageFacts facts;
        kind.most = most[i];
        read_kind(drawn, &kind, &image, &facts);
        assert_int_equal(image.pixels[0], i < 2 ? 255 : 15);
        assert_int_equal(image.pixels[800 * 3], i < 2 ? 800 >> 4 : 3);
        assert_int_equal(*facts.warning != '\0', i < 2);
        image_free(&image);
    }
}

static void orientations(void **state) {
    Drawn *drawn = *state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        TiffKind kind = of_grey(drawn);
        kind.orientation = orientation;
        Image image;
        ImageFacts facts;
        read_kind(drawn, &kind, &image, &facts);
        assert_int_equal(facts.orientation, orientation);
        assert_int_equal(facts.width, orientation < 5 ? WIDTH : HEIGHT);
        assert_int_equal(image.width, facts.width);
        /* Where the first pixel and the one to its right have gone: tests/image/test_image_facts.c has all of it. */
        static const struct {
            int x, y, right_x, right_y;
        } places[] = {
            {0, 0, 1, 0},
            {WIDTH - 1, 0, WIDTH - 2, 0},
            {WIDTH - 1, HEIGHT - 1, WIDTH - 2, HEIGHT - 1},
            {0, HEIGHT - 1, 1, HEIGHT - 1},
            {0, 0, 0, 1},
            {HEIGHT - 1, 0, HEIGHT - 1, 1},
            {HEIGHT - 1, WIDTH - 1, HEIGHT - 1, WIDTH - 2},
            {0, WIDTH - 1, 0, WIDTH - 2},
        };
        const int x = places[orientation - 1].x, y = places[orientation - 1].y;
        const int right_x = places[orientation - 1].right_x, right_y = places[orientation - 1].right_y;
        assert_int_equal(image.pixels[(y * image.width + x) * 3], drawn->grey[0]);
        assert_int_equal(image.pixels[(right_y * image.width + right_x) * 3], drawn->grey[1]);
        image_free(&image);
    }
}

/* A copy that is diminished may follow; a second image may not. */
static void several_images(void **state) {
    Drawn *drawn = *state;
    for (int subfile = 0; subfile <= FILETYPE_MASK; subfile++) {
        TIFF *tiff = TIFFOpen(drawn->path, "w");
        assert_non_null(tiff);
        TiffKind kind = of_grey(drawn);
        add_tiff_kind(tiff, &kind);
        kind.subfile = subfile;
        kind.height /= 2;
        add_tiff_kind(tiff, &kind);
        TIFFClose(tiff);
        Image image;
        if (subfile == FILETYPE_REDUCEDIMAGE || subfile == FILETYPE_MASK || subfile == 3) {
            assert_ok(image_read(drawn->path, &image));
            assert_int_equal(image.height, HEIGHT);
            image_free(&image);
        } else
            assert_fails(image_read(drawn->path, &image), EXIT_DATA, "a.tif: TIFF of several images; one is read");
    }
}

static void expect_refused(const Drawn *drawn, const TiffKind *kind, const char *part) {
    Image image;
    write_tiff_kind(drawn->path, kind);
    assert_fails(image_read(drawn->path, &image), EXIT_DATA, part);
    assert_null(image.pixels);
}

static void other_kinds(void **state) {
    Drawn *drawn = *state;
    TiffKind kind = of_grey(drawn);
    kind.format = SAMPLEFORMAT_INT;
    expect_refused(drawn, &kind, "TIFF of 8 bits, signed or floating-point");
    kind = of_grey(drawn);
    kind.samples = (const uint8_t *)drawn->deep_rgb;
    kind.width /= 2;
    kind.bits = 32;
    expect_refused(drawn, &kind, "TIFF of 32 bits; grey, RGB or palette of 8 or 16 bits unsigned is needed");
    kind = of_grey(drawn);
    kind.photometric = PHOTOMETRIC_CIELAB;
    expect_refused(drawn, &kind, "TIFF of 8 as its colour space");
}

/* Cut anywhere, it is refused by name, and libtiff prints nothing. */
static void cut_short(void **state) {
    Drawn *drawn = *state;
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE};
    for (int i = 0; i < 3; i++) {
        TiffKind kind = of_grey(drawn);
        kind.compression = compressions[i];
        write_tiff_kind(drawn->path, &kind);
        uint8_t *data;
        size_t size;
        scratch_read(drawn->root, "a.tif", &data, &size);
        for (size_t left = 1; left < size; left += 13) {
            uint8_t *exact = malloc(left);
            assert_non_null(exact);
            memcpy(exact, data, left);
            Image image;
            ImageFacts facts;
            assert_fails(image_decode("image", exact, left, &(ImageDecode){0}, &image, &facts), EXIT_DATA, "image: ");
            assert_null(image.pixels);
            free(exact);
        }
        free(data);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(grey_and_colour_in_every_layout),
        TEST(inverted_palette_and_jpeg),
        TEST(alpha_is_dropped),
        TEST(twelve_of_sixteen_bits),
        TEST(orientations),
        TEST(several_images),
        TEST(other_kinds),
        TEST(cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
