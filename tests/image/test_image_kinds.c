/* SPDX-License-Identifier: Apache-2.0 */
/* Grey, CMYK, palette, alpha, 16-bit and interlaced images become RGB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { SIDE = 32, BLOCK = 16, BLOCKS = 4 }; /* JPEG images: 2 x 2 blocks of one colour each */

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

static Image read_back(const char *path, int width, int height) {
    Image image;
    assert_ok(image_read(path, &image));
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    return image;
}

/* Writes blocks of `components` samples each and expects `rgb` for them. At quality 100 a block of one colour keeps it
 * to a level; the change of colour space takes another. */
static void check_jpeg(const char *root, const uint8_t blocks[BLOCKS][4], int components, J_COLOR_SPACE given,
                       J_COLOR_SPACE stored, bool progressive, const uint8_t rgb[BLOCKS][3]) {
    uint8_t samples[SIDE * SIDE * 4];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memcpy(samples + (y * SIDE + x) * components, blocks[y / BLOCK * 2 + x / BLOCK], (size_t)components);
    char *path = scratch_path(root, "a.jpg");
    write_jpeg_kind(path, &(JpegKind){.width = SIDE,
                                      .height = SIDE,
                                      .samples = samples,
                                      .components = components,
                                      .given = given,
                                      .stored = stored,
                                      .progressive = progressive,
                                      .restart = progressive ? 1 : 0});
    Image image = read_back(path, SIDE, SIDE);
    for (int block = 0; block < BLOCKS; block++) {
        int x = block % 2 * BLOCK + BLOCK / 2, y = block / 2 * BLOCK + BLOCK / 2; /* clear of smoothed edges */
        for (int channel = 0; channel < 3; channel++) {
            int got = image.pixels[(y * SIDE + x) * 3 + channel], want = rgb[block][channel];
            if (abs(got - want) > 2)
                fail_msg("block %d channel %d is %d, not %d", block, channel, got, want);
        }
    }
    image_free(&image);
    free(path);
}

static void grey_jpeg(void **state) {
    static const uint8_t blocks[BLOCKS][4] = {{0}, {255}, {77}, {130}};
    static const uint8_t rgb[BLOCKS][3] = {{0, 0, 0}, {255, 255, 255}, {77, 77, 77}, {130, 130, 130}};
    check_jpeg(*state, blocks, 1, JCS_GRAYSCALE, JCS_GRAYSCALE, false, rgb);
    check_jpeg(*state, blocks, 1, JCS_GRAYSCALE, JCS_GRAYSCALE, true, rgb);
}

static void colour_jpeg(void **state) {
    static const uint8_t rgb4[BLOCKS][4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {200, 90, 30}};
    static const uint8_t rgb[BLOCKS][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {200, 90, 30}};
    check_jpeg(*state, rgb4, 3, JCS_RGB, JCS_YCbCr, false, rgb);
    check_jpeg(*state, rgb4, 3, JCS_RGB, JCS_YCbCr, true, rgb);
    check_jpeg(*state, rgb4, 3, JCS_RGB, JCS_RGB, false, rgb);
}

/* The values are Adobe's, the lack of ink: all 255 is bare paper, no K-value is black, and the channel is
 * c * k / 255. */
static void cmyk_jpeg(void **state) {
    static const uint8_t blocks[BLOCKS][4] = {
        {255, 255, 255, 255}, {0, 255, 255, 255}, {255, 255, 255, 0}, {200, 100, 50, 180}};
    static const uint8_t rgb[BLOCKS][3] = {{255, 255, 255}, {0, 255, 255}, {0, 0, 0}, {141, 71, 35}};
    check_jpeg(*state, blocks, 4, JCS_CMYK, JCS_CMYK, false, rgb);
    check_jpeg(*state, blocks, 4, JCS_CMYK, JCS_YCCK, false, rgb);
}

static void two_component_jpeg_is_refused(void **state) {
    uint8_t samples[SIDE * SIDE * 2] = {0};
    char *path = scratch_path(*state, "a.jpg");
    write_jpeg_kind(path, &(JpegKind){.width = SIDE,
                                      .height = SIDE,
                                      .samples = samples,
                                      .components = 2,
                                      .given = JCS_UNKNOWN,
                                      .stored = JCS_UNKNOWN});
    Image image;
    assert_fails(image_read(path, &image), EXIT_DATA, "2 components");
    free(path);
}

/* PNG images are 8 pixels wide and 2 high; `rgb` is what each pixel becomes, exactly. */
enum { WIDTH = 8, HEIGHT = 2, PIXELS = WIDTH * HEIGHT };

static void check_png(const char *root, PngKind kind, const uint8_t rgb[PIXELS][3]) {
    char *path = scratch_path(root, "a.png");
    kind.width = WIDTH;
    kind.height = HEIGHT;
    for (int variant = 0; variant < 4; variant++) {
        kind.interlaced = variant & 1;
        kind.gamma = variant & 2;
        write_png_kind(path, &kind);
        Image image = read_back(path, WIDTH, HEIGHT);
        assert_memory_equal(image.pixels, rgb, PIXELS * 3);
        image_free(&image);
    }
    free(path);
}

/* 16 bits are cut, not rounded: 0x12FF is 0x12. */
static void sixteen_bit_png(void **state) {
    uint8_t grey[PIXELS][2], grey_alpha[PIXELS][4], colour[PIXELS][6], colour_alpha[PIXELS][8];
    uint8_t from_grey[PIXELS][3], from_colour[PIXELS][3];
    for (int i = 0; i < PIXELS; i++) {
        for (int c = 0; c < 3; c++) {
            from_colour[i][c] = (uint8_t)(i * 13 + c * 80);
            from_grey[i][c] = (uint8_t)(i * 17);
            memcpy(colour[i] + c * 2, (uint8_t[2]){from_colour[i][c], 0xFF}, 2);
        }
        memcpy(colour_alpha[i], colour[i], 6);
        memcpy(colour_alpha[i] + 6, (uint8_t[2]){(uint8_t)(i * 5), 3}, 2);
        memcpy(grey[i], (uint8_t[2]){from_grey[i][0], 0xFF}, 2);
        memcpy(grey_alpha[i], grey[i], 2);
        memcpy(grey_alpha[i] + 2, (uint8_t[2]){0, 0}, 2);
    }
    check_png(*state, (PngKind){.rows = grey[0], .row_bytes = WIDTH * 2, .depth = 16, .type = PNG_COLOR_TYPE_GRAY},
              from_grey);
    check_png(*state,
              (PngKind){.rows = grey_alpha[0], .row_bytes = WIDTH * 4, .depth = 16, .type = PNG_COLOR_TYPE_GRAY_ALPHA},
              from_grey);
    check_png(*state, (PngKind){.rows = colour[0], .row_bytes = WIDTH * 6, .depth = 16, .type = PNG_COLOR_TYPE_RGB},
              from_colour);
    check_png(*state,
              (PngKind){.rows = colour_alpha[0], .row_bytes = WIDTH * 8, .depth = 16, .type = PNG_COLOR_TYPE_RGB_ALPHA},
              from_colour);
}

/* Alpha is dropped: a transparent pixel keeps its colour. */
static void eight_bit_png(void **state) {
    uint8_t grey[PIXELS], grey_alpha[PIXELS][2], colour_alpha[PIXELS][4], rgb[PIXELS][3], from_grey[PIXELS][3];
    for (int i = 0; i < PIXELS; i++) {
        grey[i] = grey_alpha[i][0] = (uint8_t)(i * 16);
        grey_alpha[i][1] = colour_alpha[i][3] = (uint8_t)(i * 3);
        for (int c = 0; c < 3; c++) {
            rgb[i][c] = colour_alpha[i][c] = (uint8_t)(i * 11 + c * 60);
            from_grey[i][c] = grey[i];
        }
    }
    check_png(*state, (PngKind){.rows = grey, .row_bytes = WIDTH, .depth = 8, .type = PNG_COLOR_TYPE_GRAY}, from_grey);
    check_png(*state,
              (PngKind){.rows = grey_alpha[0], .row_bytes = WIDTH * 2, .depth = 8, .type = PNG_COLOR_TYPE_GRAY_ALPHA},
              from_grey);
    check_png(*state, (PngKind){.rows = rgb[0], .row_bytes = WIDTH * 3, .depth = 8, .type = PNG_COLOR_TYPE_RGB}, rgb);
    check_png(*state,
              (PngKind){.rows = colour_alpha[0], .row_bytes = WIDTH * 4, .depth = 8, .type = PNG_COLOR_TYPE_RGB_ALPHA},
              rgb);
}

/* Packs one value a pixel into `depth` bits, first pixel in the high bits. */
static void pack(const uint8_t values[PIXELS], int depth, uint8_t *rows) {
    memset(rows, 0, PIXELS);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            rows[y * depth + x * depth / 8] |= (uint8_t)(values[y * WIDTH + x] << (8 - depth - x * depth % 8));
}

static void palette_and_few_bit_png(void **state) {
    png_color palette[16];
    static const png_byte transparency[2] = {0, 128};
    for (int i = 0; i < 16; i++)
        palette[i] = (png_color){(png_byte)(i * 3), (png_byte)(255 - i), (png_byte)(i * 16)};
    for (int depth = 1; depth <= 8; depth *= 2) {
        uint8_t values[PIXELS], rows[PIXELS], coloured[PIXELS][3], grey[PIXELS][3];
        int levels = depth < 8 ? 1 << depth : 16;
        for (int i = 0; i < PIXELS; i++) {
            values[i] = (uint8_t)(i * 5 % levels);
            png_color entry = palette[values[i]];
            memcpy(coloured[i], (uint8_t[3]){entry.red, entry.green, entry.blue}, 3);
            memset(grey[i], depth < 8 ? values[i] * 255 / (levels - 1) : values[i], 3);
        }
        pack(values, depth, rows);
        PngKind kind = {.rows = rows,
                        .row_bytes = (size_t)depth,
                        .depth = depth,
                        .type = PNG_COLOR_TYPE_PALETTE,
                        .palette = palette,
                        .palette_size = levels < 16 ? levels : 16};
        check_png(*state, kind, coloured);
        kind.transparency = transparency;
        kind.transparency_size = 2;
        check_png(*state, kind, coloured);
        check_png(*state,
                  (PngKind){.rows = rows, .row_bytes = (size_t)depth, .depth = depth, .type = PNG_COLOR_TYPE_GRAY},
                  grey);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grey_jpeg, setup, teardown),
        cmocka_unit_test_setup_teardown(colour_jpeg, setup, teardown),
        cmocka_unit_test_setup_teardown(cmyk_jpeg, setup, teardown),
        cmocka_unit_test_setup_teardown(two_component_jpeg_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sixteen_bit_png, setup, teardown),
        cmocka_unit_test_setup_teardown(eight_bit_png, setup, teardown),
        cmocka_unit_test_setup_teardown(palette_and_few_bit_png, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
