/* SPDX-License-Identifier: Apache-2.0 */
/* Images in memory: JPEG at a fraction of its size, and which marker decides its colours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { SIDE = 64, BLOCK = 32 }; /* 2 x 2 blocks of one colour each */

static const uint8_t blocks[4][3] = {{230, 20, 40}, {30, 200, 60}, {20, 40, 210}, {200, 120, 30}};

static const char *const name = "image";

static void fill_blocks(uint8_t samples[SIDE * SIDE * 3]) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memcpy(samples + (y * SIDE + x) * 3, blocks[y / BLOCK * 2 + x / BLOCK], 3);
}

static Image decode(const uint8_t *data, size_t size, ImageDecode how, int full_width, int full_height) {
    Image image;
    ImageFacts facts;
    assert_ok(image_decode(name, data, size, &how, &image, &facts));
    assert_int_equal(facts.width, full_width);
    assert_int_equal(facts.height, full_height);
    return image;
}

/* The blocks' colours in the middle of each. At quality 100 a block of one colour keeps it to a level; the change of
 * colour space takes another. */
static bool has_blocks(const Image *image) {
    for (int i = 0; i < 4; i++) {
        int x = image->width * (1 + i % 2 * 2) / 4, y = image->height * (1 + i / 2 * 2) / 4;
        for (int channel = 0; channel < 3; channel++)
            if (abs(image->pixels[(y * image->width + x) * 3 + channel] - blocks[i][channel]) > 2)
                return false;
    }
    return true;
}

static void a_jpeg_is_diminished_down_to_the_least_side(void **state) {
    (void)state;
    static const struct {
        int least, width, height;
    } cases[] = {
        {0, 90, 70},  {71, 90, 70}, {70, 90, 70}, {36, 90, 70}, {35, 45, 35}, {19, 45, 35},
        {18, 23, 18}, {10, 23, 18}, {9, 12, 9},   {1, 12, 9},   {-5, 90, 70},
    };
    uint8_t *pixels = draw_image(90, 70, 1);
    for (int turned = 0; turned < 2; turned++) {
        int across = turned ? 70 : 90, down = turned ? 90 : 70;
        size_t size;
        uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = across,
                                                   .height = down,
                                                   .samples = pixels,
                                                   .components = 3,
                                                   .given = JCS_RGB,
                                                   .stored = JCS_YCbCr},
                                       &size);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Image image = decode(jpeg, size, (ImageDecode){.min_side = cases[i].least}, across, down);
            assert_int_equal(image.width, turned ? cases[i].height : cases[i].width);
            assert_int_equal(image.height, turned ? cases[i].width : cases[i].height);
            image_free(&image);
        }
        free(jpeg);
    }
    free(pixels);
}

static void a_diminished_jpeg_shows_the_same(void **state) {
    (void)state;
    uint8_t samples[SIDE * SIDE * 4];
    fill_blocks(samples);
    static const J_COLOR_SPACE stored[] = {JCS_YCbCr, JCS_RGB};
    for (int kind = 0; kind < 2; kind++) {
        size_t size;
        uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = SIDE,
                                                   .height = SIDE,
                                                   .samples = samples,
                                                   .components = 3,
                                                   .given = JCS_RGB,
                                                   .stored = stored[kind],
                                                   .progressive = kind},
                                       &size);
        for (int by = 1; by <= 8; by *= 2) {
            Image image = decode(jpeg, size, (ImageDecode){.min_side = SIDE / by}, SIDE, SIDE);
            assert_int_equal(image.width, SIDE / by);
            assert_true(has_blocks(&image));
            image_free(&image);
        }
        free(jpeg);
    }
    memset(samples, 255, sizeof samples); /* CMYK goes through a row of its own */
    size_t size;
    uint8_t *jpeg = make_jpeg_kind(
        &(JpegKind){
            .width = SIDE, .height = SIDE, .samples = samples, .components = 4, .given = JCS_CMYK, .stored = JCS_CMYK},
        &size);
    Image image = decode(jpeg, size, (ImageDecode){.min_side = 16}, SIDE, SIDE);
    assert_int_equal(image.height, 16);
    for (int i = 0; i < 16 * 16 * 3; i++)
        assert_in_range(image.pixels[i], 254, 255);
    image_free(&image);
    free(jpeg);
}

/* Which colour space a JPEG is read as: the one in which it reads back right. */
static void markers_decide_the_colours(void **state) {
    (void)state;
    static const struct {
        const char *ids;
        bool jfif, adobe, adobe_says_rgb;
        int rgb_by_file, rgb_by_ybr_tag, rgb_by_rgb_tag;
    } cases[] = {
        {"\1\2\3", false, false, false, 0, 0, 1}, /* no markers: the tag decides */
        {"\0\1\2", false, false, false, 0, 0, 1},
        {"\1\2\3", true, false, false, 0, 0, 0}, /* JFIF is YCbCr */
        {"\1\2\3", false, true, false, 0, 0, 0},
        {"\1\2\3", false, true, true, 1, 1, 1},
        {"RGB", false, false, false, 1, 1, 1},
        {"rgb", false, false, false, 0, 1, 1}, /* libjpeg knows capitals only */
        {"RGB", false, true, false, 0, 1, 1},  /* from here on they contradict each other */
        {"RGB", true, false, false, 0, 1, 1},
        {"\1\2\3", true, true, true, 0, 1, 1},
    };
    uint8_t samples[SIDE * SIDE * 3];
    fill_blocks(samples);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int really_rgb = 0; really_rgb < 2; really_rgb++) {
            size_t size;
            uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = SIDE,
                                                       .height = SIDE,
                                                       .samples = samples,
                                                       .components = 3,
                                                       .given = JCS_RGB,
                                                       .stored = really_rgb ? JCS_RGB : JCS_YCbCr,
                                                       .marked = true,
                                                       .jfif = cases[i].jfif,
                                                       .adobe = cases[i].adobe,
                                                       .ids = cases[i].ids},
                                           &size);
            for (size_t at = 2; cases[i].adobe && at < size - 6; at++)
                if (memcmp(jpeg + at, "Adobe", 5) == 0) { /* version, two flags, the transform */
                    jpeg[at + 11] = cases[i].adobe_says_rgb ? 0 : 1;
                    break;
                }
            const int taken[] = {[IMAGE_COLOURS_OF_FILE] = cases[i].rgb_by_file,
                                 [IMAGE_COLOURS_YCBCR] = cases[i].rgb_by_ybr_tag,
                                 [IMAGE_COLOURS_RGB] = cases[i].rgb_by_rgb_tag};
            for (int colours = 0; colours < 3; colours++) {
                Image image = decode(jpeg, size, (ImageDecode){.colours = (ImageColours)colours}, SIDE, SIDE);
                /* Subsampled, as libjpeg's YCbCr is, it cannot be RGB, and only the tag would have it so. */
                const bool kept = i < 2 && colours == IMAGE_COLOURS_RGB;
                if (has_blocks(&image) != (kept || taken[colours] == really_rgb))
                    fail_msg("case %zu, stored %s, asked %d: taken for the other", i, really_rgb ? "RGB" : "YCbCr",
                             colours);
                image_free(&image);
            }
            free(jpeg);
        }
}

/* A file and its bytes are the same image. */
static void reading_is_decoding(void **state) {
    (void)state;
    static const char *const paths[] = {"tests/cases/preprocess_0.jpg", "tests/cases/preprocess_0.png"};
    for (int i = 0; i < 2; i++) {
        char *data;
        size_t size;
        assert_ok(files_read(paths[i], &data, &size));
        Image read;
        assert_ok(image_read(paths[i], &read));
        Image image = decode((uint8_t *)data, size, (ImageDecode){0}, read.width, read.height);
        assert_memory_equal(image.pixels, read.pixels, (size_t)read.width * (size_t)read.height * 3);
        image_free(&image);
        image = decode((uint8_t *)data, size, (ImageDecode){.min_side = 1, .components = 3}, read.width, read.height);
        if (i == 1) /* a PNG has no cheaper size, and its samples are not asked for */
            assert_int_equal(image.width, read.width);
        else
            assert_int_equal(image.width, (read.width + 7) / 8);
        image_free(&image);
        image_free(&read);
        free(data);
    }
}

static void expect_refused(const uint8_t *data, size_t size, ImageDecode how, const char *part) {
    Image image;
    ImageFacts facts;
    assert_fails(image_decode(name, data, size, &how, &image, &facts), EXIT_DATA, part);
    assert_null(image.pixels);
    assert_fails(image_decode(name, data, size, &how, &image, &facts), EXIT_DATA, "image: ");
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    uint8_t samples[SIDE * SIDE * 3];
    fill_blocks(samples);
    JpegKind kind = {
        .width = SIDE, .height = SIDE, .samples = samples, .components = 3, .given = JCS_RGB, .stored = JCS_YCbCr};
    size_t size;
    uint8_t *jpeg = make_jpeg_kind(&kind, &size);
    expect_refused(jpeg, 0, (ImageDecode){0}, "empty");
    expect_refused((const uint8_t *)"GIF89a", 6, (ImageDecode){0}, "neither JPEG, PNG nor TIFF");
    expect_refused(jpeg, size, (ImageDecode){.components = 1}, "3 components, not 1");
    for (int least = 0; least <= SIDE; least += 8) { /* the end mark, then data, are missing at every size */
        expect_refused(jpeg, size - 1, (ImageDecode){.min_side = least}, "damaged JPEG");
        expect_refused(jpeg, size * 3 / 4, (ImageDecode){.min_side = least}, "damaged JPEG");
    }
    free(jpeg);
    kind.components = 1;
    kind.given = kind.stored = JCS_GRAYSCALE;
    jpeg = make_jpeg_kind(&kind, &size);
    expect_refused(jpeg, size, (ImageDecode){.components = 3}, "1 components, not 3");
    Image image = decode(jpeg, size, (ImageDecode){.components = 1, .colours = IMAGE_COLOURS_RGB}, SIDE, SIDE);
    image_free(&image);
    free(jpeg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpeg_is_diminished_down_to_the_least_side),
        cmocka_unit_test(a_diminished_jpeg_shows_the_same),
        cmocka_unit_test(markers_decide_the_colours),
        cmocka_unit_test(reading_is_decoding),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
