/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded damage to small valid images of every kind: each is read or refused, and nothing else. Most useful under the
 * address sanitizer, which also sees what is not freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "image/encode.h"
#include "tests/fixtures/damage.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { WIDTH = 45, HEIGHT = 33, ROUNDS = 1500, ROOM = 1 << 16 };

static const char *const names[] = {"baseline.jpg", "progressive.jpg", "cmyk.jpg",  "rgb.png", "deep.png",
                                    "palette.png",  "strips.tif",      "tiles.tif", "jpeg.tif"};
enum { KINDS = sizeof names / sizeof *names };

static int setup(void **state) {
    char *root = scratch_make();
    uint8_t *pixels = draw_image(WIDTH * 2, HEIGHT * 2, 4); /* enough samples for each kind */
    char *path[KINDS];
    for (int i = 0; i < KINDS; i++)
        path[i] = scratch_path(root, names[i]);
    assert_ok(image_write_jpeg(path[0], pixels, WIDTH, HEIGHT, 85));
    JpegKind jpeg = {.width = WIDTH,
                     .height = HEIGHT,
                     .samples = pixels,
                     .components = 3,
                     .given = JCS_RGB,
                     .stored = JCS_YCbCr,
                     .progressive = true,
                     .restart = 2};
    write_jpeg_kind(path[1], &jpeg);
    jpeg.components = 4;
    jpeg.given = JCS_CMYK;
    jpeg.stored = JCS_YCCK;
    jpeg.progressive = false;
    write_jpeg_kind(path[2], &jpeg);
    assert_ok(image_write_png(path[3], pixels, WIDTH, HEIGHT));
    PngKind png = {.width = WIDTH,
                   .height = HEIGHT,
                   .rows = pixels,
                   .row_bytes = WIDTH * 8,
                   .depth = 16,
                   .type = PNG_COLOR_TYPE_RGB_ALPHA,
                   .interlaced = true,
                   .gamma = true};
    write_png_kind(path[4], &png);
    png_color palette[256] = {{9, 8, 7}};
    static const png_byte transparency[3] = {0, 50, 100};
    png.row_bytes = WIDTH;
    png.depth = 8;
    png.type = PNG_COLOR_TYPE_PALETTE;
    png.palette = palette;
    png.palette_size = 256;
    png.transparency = transparency;
    png.transparency_size = 3;
    write_png_kind(path[5], &png);
    TiffKind tiff = {.width = WIDTH,
                     .height = HEIGHT,
                     .samples = pixels,
                     .components = 3,
                     .photometric = PHOTOMETRIC_RGB,
                     .compression = COMPRESSION_LZW};
    write_tiff_kind(path[6], &tiff);
    tiff.bits = tiff.tile = 16;
    tiff.planes = true;
    tiff.compression = COMPRESSION_ADOBE_DEFLATE;
    write_tiff_kind(path[7], &tiff);
    tiff = (TiffKind){.width = WIDTH,
                      .height = HEIGHT,
                      .samples = pixels,
                      .components = 3,
                      .photometric = PHOTOMETRIC_YCBCR,
                      .compression = COMPRESSION_JPEG};
    write_tiff_kind(path[8], &tiff);
    for (int i = 0; i < KINDS; i++)
        free(path[i]);
    free(pixels);
    *state = root;
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

static void damaged_images_are_read_or_refused(void **state) {
    char *path = scratch_path(*state, "case");
    uint8_t *data = malloc(ROOM);
    assert_non_null(data);
    int accepted = 0, refused = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        uint8_t *original;
        size_t original_size;
        scratch_read(*state, names[kind], &original, &original_size);
        assert_true(original_size < ROOM / 2);
        for (int round = 0; round < ROUNDS; round++) {
            Random random;
            random_start(&random, 2024, RANDOM_TEST, (uint32_t)kind, (uint64_t)round);
            memcpy(data, original, original_size);
            size_t size = original_size;
            for (uint32_t left = 1 + random_below(&random, 3); left; left--)
                size = damage(&random, data, size, ROOM);
            if (random_below(&random, 2))
                mend_png(data, size);
            scratch_write(*state, "case", data, size);
            Image image;
            Status status = image_read(path, &image);
            if (status) {
                assert_int_equal(status_code(status), EXIT_DATA);
                assert_null(image.pixels);
                refused++;
            } else {
                accepted++;
                /* Every pixel is there: an address sanitizer would see the first one that is not. */
                unsigned sum = 0;
                for (size_t i = 0; i < (size_t)image.width * (size_t)image.height * 3; i++)
                    sum += image.pixels[i];
                assert_true(sum <= 255u * 3u * (unsigned)image.width * (unsigned)image.height);
            }
            status_free(status);
            image_free(&image);
        }
        free(original);
    }
    /* A fuzzer that damages nothing, or everything, tests nothing. */
    assert_true(accepted > KINDS * ROUNDS / 20);
    assert_true(refused > KINDS * ROUNDS / 2);
    free(data);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damaged_images_are_read_or_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
