/* SPDX-License-Identifier: Apache-2.0 */
/* Images as evaluation sees them match those of Pillow and torchvision; damaged files; writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/safetensors.h"
#include "data/evaluation_view.h"
#include "data/loader.h"
#include "image/decode.h"
#include "image/encode.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

#include <sys/stat.h>

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

/* Bit for bit: the arithmetic is integers all the way (libjpeg's integer DCT, Pillow's fixed point), and a level of
 * difference would be the first sign of another path through the decoder. */
static void check_pixels(const Tensor *expected, const uint8_t *got) {
    const uint8_t *want = expected->data;
    for (int64_t i = 0; i < expected->count; i++)
        if (got[i] != want[i])
            fail_msg("%s: value %lld is %d, not %d", expected->name, (long long)i, got[i], want[i]);
}

/* Runs every tensor of tests/cases/preprocess_`number`; returns how many of each of the three kinds it met. */
static void check_case(int number, int met[3]) {
    char png[64], jpg[64], tensors[64];
    snprintf(png, sizeof png, "tests/cases/preprocess_%d.png", number);
    snprintf(jpg, sizeof jpg, "tests/cases/preprocess_%d.jpg", number);
    snprintf(tensors, sizeof tensors, "tests/cases/preprocess_%d.safetensors", number);
    Image image, decoded;
    assert_ok(image_read(png, &image));
    assert_ok(image_read(jpg, &decoded));
    SafeTensors *file;
    assert_ok(safetensors_open(tensors, &file));
    for (int i = 0; i < safetensors_count(file); i++) {
        const Tensor *tensor = safetensors_at(file, i);
        uint8_t *out = malloc((size_t)tensor->count);
        assert_non_null(out);
        int size;
        Crop crop = {0};
        if (strcmp(tensor->name, "jpeg_decoded") == 0) {
            assert_int_equal(decoded.height, tensor->shape[0]);
            assert_int_equal(decoded.width, tensor->shape[1]);
            check_pixels(tensor, decoded.pixels);
            met[0]++;
        } else if (sscanf(tensor->name, "eval_%d", &size) == 1) {
            assert_int_equal(tensor->count, size * size * 3);
            assert_ok(evaluation_view(&image, size, VIEW_CENTER, out));
            check_pixels(tensor, out);
            met[1]++;
        } else if (sscanf(tensor->name, "crop_%d_top%d_left%d_h%d_w%d", &size, &crop.top, &crop.left, &crop.height,
                          &crop.width) == 5) {
            assert_int_equal(tensor->count, size * size * 3);
            assert_ok(resize_pixels(image.pixels, image.height, image.width, crop, size, size, out));
            check_pixels(tensor, out);
            met[2]++;
        }
        free(out);
    }
    safetensors_close(file);
    image_free(&decoded);
    image_free(&image);
}

static void images_are_as_pillow_makes_them(void **state) {
    (void)state;
    int met[3] = {0};
    check_case(0, met);
    check_case(1, met);
    assert_int_equal(met[0], 2);
    assert_int_equal(met[1], 4);
    assert_int_equal(met[2], 12);
}

/* Images whose short side already is size * 8 / 7 are only cut: the first pixel shows where. Gaps of 1, 2, 3, 5:
 * halves go to the even side. */
static void the_centre_is_rounded_half_to_even(void **state) {
    (void)state;
    static const struct { int size, offset; } cases[] = {{7, 0}, {14, 1}, {21, 2}, {35, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int size = cases[i].size, side = size * 8 / 7, offset = cases[i].offset;
        Image image = {side, side, draw_image(side, side, 1)};
        uint8_t *out = malloc((size_t)size * size * 3);
        assert_non_null(out);
        assert_ok(evaluation_view(&image, size, VIEW_CENTER, out));
        assert_memory_equal(out, image.pixels + ((size_t)offset * side + offset) * 3, (size_t)size * 3);
        free(out);
        image_free(&image);
    }
}

/* Seen whole, a square is only resized, and of another image what is beyond the short side is cut off. */
static void a_square_is_seen_whole(void **state) {
    (void)state;
    enum { SIZE = 24, LONG = 60 };
    const Image square = {LONG, LONG, draw_image(LONG, LONG, 1)}, tall = {SIZE, LONG, draw_image(SIZE, LONG, 2)};
    uint8_t out[SIZE * SIZE * 3], wanted[SIZE * SIZE * 3];
    assert_ok(evaluation_view(&square, SIZE, VIEW_WHOLE, out));
    assert_ok(resize_pixels(square.pixels, LONG, LONG, (Crop){.height = LONG, .width = LONG}, SIZE, SIZE, wanted));
    assert_memory_equal(out, wanted, sizeof out);
    assert_ok(evaluation_view(&tall, SIZE, VIEW_WHOLE, out));
    assert_memory_equal(out, tall.pixels + (LONG - SIZE) / 2 * SIZE * 3, sizeof out);
    free(square.pixels);
    free(tall.pixels);
}

static void a_ribbon_is_refused(void **state) {
    (void)state;
    Image image = {1, 2000, draw_image(1, 2000, 1)};
    uint8_t out[16 * 16 * 3];
    assert_fails(evaluation_view(&image, 16, VIEW_CENTER, out), EXIT_DATA,
                 "too long and narrow"); /* would be 18 x 36,000 */
    image_free(&image);
}

/* ---- damage */

static void expect_refused(const char *root, const uint8_t *data, size_t size, const char *part) {
    scratch_write(root, "case", data, size);
    char *path = scratch_path(root, "case");
    Image image;
    assert_fails(image_read(path, &image), EXIT_DATA, path);
    assert_fails(image_read(path, &image), EXIT_DATA, part);
    assert_null(image.pixels);
    free(path);
}

static void check_truncation(const char *root, const char *name) {
    uint8_t *data;
    size_t size;
    scratch_read(root, name, &data, &size);
    char *path = scratch_path(root, name);
    Image image;
    assert_ok(image_read(path, &image));
    image_free(&image);
    for (int tenth = 0; tenth < 10; tenth++)
        expect_refused(root, data, size * (size_t)tenth / 10, "");
    for (size_t missing = 1; missing <= 12; missing++) /* the last words: the end mark, a PNG's last chunk */
        expect_refused(root, data, size - missing, "damaged");
    free(path);
    free(data);
}

static void truncated_files_are_refused(void **state) {
    uint8_t *pixels = draw_image(90, 70, 3);
    char *png = scratch_path(*state, "a.png"), *jpg = scratch_path(*state, "a.jpg");
    char *progressive = scratch_path(*state, "b.jpg");
    assert_ok(image_write_png(png, pixels, 90, 70));
    assert_ok(image_write_jpeg(jpg, pixels, 90, 70, 90));
    write_jpeg_kind(progressive, &(JpegKind){.width = 90,
                                             .height = 70,
                                             .samples = pixels,
                                             .components = 3,
                                             .given = JCS_RGB,
                                             .stored = JCS_YCbCr,
                                             .progressive = true});
    check_truncation(*state, "a.png");
    check_truncation(*state, "a.jpg");
    check_truncation(*state, "b.jpg");
    free(progressive);
    free(jpg);
    free(png);
    free(pixels);
}

/* Every byte of a PNG's pixels is under a checksum: no flip goes unseen. */
static void a_flipped_byte_of_a_png_is_refused(void **state) {
    uint8_t *pixels = draw_image(40, 30, 3), *data;
    char *png = scratch_path(*state, "a.png");
    assert_ok(image_write_png(png, pixels, 40, 30));
    size_t size;
    scratch_read(*state, "a.png", &data, &size);
    for (size_t i = 41; i < size; i += 7) { /* from the first pixel chunk's data on */
        data[i] ^= 0x10;
        expect_refused(*state, data, size, "");
        data[i] ^= 0x10;
    }
    for (size_t i = size - 12; i < size; i++) { /* the end mark, whose sum some versions of libpng do not look at */
        data[i] ^= 1;
        expect_refused(*state, data, size, "damaged PNG");
        data[i] ^= 1;
    }
    free(data);
    free(png);
    free(pixels);
}

/* Nor when each piece has its right checksum, but the sum over all pixels is another. */
static void a_png_of_other_pixels_is_refused(void **state) {
    uint8_t *pixels = draw_image(40, 30, 3), *data;
    char *png = scratch_path(*state, "a.png");
    assert_ok(image_write_png(png, pixels, 40, 30));
    size_t size;
    scratch_read(*state, "a.png", &data, &size);
    data[size - 12 - 4 - 1] ^= 1; /* before the last chunk and the checksum: the end of the zlib stream */
    mend_png(data, size);
    expect_refused(*state, data, size, "damaged PNG: IDAT: incorrect data check");
    data[size - 12 - 4 - 1] ^= 1;
    data[23]--; /* the height: a row is left over */
    mend_png(data, size);
    expect_refused(*state, data, size, "damaged PNG: IDAT: Too much image data");
    free(data);
    free(png);
    free(pixels);
}

/* Bytes between the last row and the end mark: cameras fill up so. tests/image/test_image_facts.c has the warning. */
static void a_jpeg_with_data_to_spare_is_read(void **state) {
    uint8_t *pixels = draw_image(160, 120, 3), *data;
    char *jpg = scratch_path(*state, "a.jpg");
    assert_ok(image_write_jpeg(jpg, pixels, 160, 120, 95));
    size_t size;
    scratch_read(*state, "a.jpg", &data, &size);
    static const uint8_t ending[] = {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xFF, 0xD9};
    uint8_t *longer = malloc(size + sizeof ending);
    assert_non_null(longer);
    memcpy(longer, data, size - 2);
    memcpy(longer + size - 2, ending, sizeof ending);
    scratch_write(*state, "b.jpg", longer, size - 2 + sizeof ending);
    free(longer);
    Image image, longer_image;
    char *appended = scratch_path(*state, "b.jpg");
    assert_ok(image_read(jpg, &image));
    assert_ok(image_read(appended, &longer_image));
    assert_memory_equal(image.pixels, longer_image.pixels, 160 * 120 * 3);
    image_free(&longer_image);
    image_free(&image);
    /* After the end mark a file may contain anything. */
    scratch_write(*state, "b.jpg", data, size);
    FILE *file = fopen(appended, "ab");
    assert_non_null(file);
    fputs("a maker's note", file);
    assert_int_equal(fclose(file), 0);
    assert_ok(image_read(appended, &image));
    image_free(&image);
    free(appended);
    free(data);
    free(jpg);
    free(pixels);
}

/* A JPEG with a hole in its coded data, where libjpeg only warns and continues with invented data. */
static void a_jpeg_with_a_hole_is_refused(void **state) {
    uint8_t *pixels = draw_image(160, 120, 3), *data;
    char *jpg = scratch_path(*state, "a.jpg");
    assert_ok(image_write_jpeg(jpg, pixels, 160, 120, 95));
    size_t size;
    scratch_read(*state, "a.jpg", &data, &size);
    memmove(data + size / 2, data + size / 2 + 200, size - size / 2 - 200);
    expect_refused(*state, data, size - 200, "damaged JPEG");
    free(data);
    free(jpg);
    free(pixels);
}

static void what_is_no_image_is_refused(void **state) {
    expect_refused(*state, (const uint8_t *)"GIF89a and so on", 16, "neither JPEG, PNG nor TIFF");
    expect_refused(*state, (const uint8_t *)"\xFF\xD8", 2, "neither JPEG, PNG nor TIFF");
    expect_refused(*state, (const uint8_t *)"", 0, "empty file");
    Image image;
    assert_fails(image_read(*state, &image), EXIT_DATA, "not a file");
    char *path = scratch_path(*state, "missing.png");
    assert_fails(image_read(path, &image), EXIT_DATA, "No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(image_read(path, &image), EXIT_DATA, "not a file"); /* and does not wait for a writer */
    free(path);
}

static void an_unreadable_file_is_refused(void **state) {
    scratch_write(*state, "a.png", "x", 1);
    char *path = scratch_path(*state, "a.png");
    assert_int_equal(chmod(path, 0), 0);
    become_nobody();
    Image image;
    Status status = image_read(path, &image);
    become_oneself();
    assert_fails(status, EXIT_DATA, "Permission denied");
    free(path);
}

/* Writes height and width into the frame header of a baseline JPEG. */
static void set_jpeg_size(uint8_t *data, size_t size, unsigned height, unsigned width) {
    for (size_t i = 0; i + 9 < size; i++)
        if (data[i] == 0xFF && data[i + 1] == 0xC0) {
            data[i + 5] = (uint8_t)(height >> 8);
            data[i + 6] = (uint8_t)height;
            data[i + 7] = (uint8_t)(width >> 8);
            data[i + 8] = (uint8_t)width;
            return;
        }
    fail_msg("no frame header");
}

static void sizes_are_checked_before_memory_is_taken(void **state) {
    uint8_t *pixels = draw_image(40, 30, 3), *data;
    char *jpg = scratch_path(*state, "a.jpg"), *png = scratch_path(*state, "a.png");
    assert_ok(image_write_jpeg(jpg, pixels, 40, 30, 90));
    size_t size;
    scratch_read(*state, "a.jpg", &data, &size);
    set_jpeg_size(data, size, 65500, 65500);
    expect_refused(*state, data, size, "a side must be 1 to 20000");
    set_jpeg_size(data, size, 30, 20001);
    expect_refused(*state, data, size, "a side must be 1 to 20000");
    set_jpeg_size(data, size, 20000, 20000);
    expect_refused(*state, data, size, "truncated: claims 20000 x 20000");
    free(data);

    uint8_t *row = calloc(1, 20001);
    assert_non_null(row);
    PngKind kind = {.width = 20001, .height = 1, .rows = row, .row_bytes = 20001, .depth = 8};
    Image image;
    write_png_kind(png, &kind);
    assert_fails(image_read(png, &image), EXIT_DATA, "a side must be 1 to 20000");
    kind.width = kind.height = 20000;
    kind.header_only = true;
    write_png_kind(png, &kind);
    /* libpng looks for the first pixels before it hands out the size */
    assert_fails(image_read(png, &image), EXIT_DATA, png);
    assert_null(image.pixels);
    /* The largest ratio there is: one bit a pixel, all alike, must not be taken for a false claim. */
    kind = (PngKind){.width = 4000, .height = 4000, .rows = calloc(4000, 500), .row_bytes = 500, .depth = 1};
    assert_non_null(kind.rows);
    write_png_kind(png, &kind);
    assert_ok(image_read(png, &image));
    assert_int_equal(image.width, 4000);
    image_free(&image);
    free((void *)kind.rows);
    free(row);
    free(png);
    free(jpg);
    free(pixels);
}

/* ---- writing */

static void a_written_png_reads_back_the_same(void **state) {
    uint8_t *pixels = draw_image(61, 47, 5);
    char *path = scratch_path(*state, "a.png");
    assert_ok(image_write_png(path, pixels, 61, 47));
    Image image;
    assert_ok(image_read(path, &image));
    assert_int_equal(image.width, 61);
    assert_int_equal(image.height, 47);
    assert_memory_equal(image.pixels, pixels, 61 * 47 * 3);
    image_free(&image);
    free(path);
    free(pixels);
}

static double mean_difference(const uint8_t *a, const uint8_t *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += abs(a[i] - b[i]);
    return sum / (double)count;
}

static void a_written_jpeg_reads_back_alike(void **state) {
    enum { WIDTH = 161, HEIGHT = 147 };
    uint8_t *pixels = draw_image(WIDTH, HEIGHT, 5);
    char *path = scratch_path(*state, "a.jpg");
    double differences[2];
    size_t sizes[2];
    static const int qualities[2] = {95, 30};
    for (int i = 0; i < 2; i++) {
        assert_ok(image_write_jpeg(path, pixels, WIDTH, HEIGHT, qualities[i]));
        Image image;
        assert_ok(image_read(path, &image));
        assert_int_equal(image.width, WIDTH);
        assert_int_equal(image.height, HEIGHT);
        differences[i] = mean_difference(image.pixels, pixels, WIDTH * HEIGHT * 3);
        image_free(&image);
        uint8_t *data;
        scratch_read(*state, "a.jpg", &data, &sizes[i]);
        free(data);
    }
    /* The image's one edge loses colour to 4:2:0; wrong channels or rows would cost tens of levels. */
    assert_true(differences[0] < 2);
    assert_true(differences[1] > differences[0]);
    assert_true(sizes[1] < sizes[0]);
    free(path);
    free(pixels);
}

static void a_image_that_cannot_be_written_says_so(void **state) {
    uint8_t *pixels = draw_image(16, 16, 5);
    char *path = scratch_path(*state, "none/a.png");
    assert_fails(image_write_png(path, pixels, 16, 16), EXIT_IO, path);
    assert_fails(image_write_jpeg(path, pixels, 16, 16, 90), EXIT_IO, path);
    assert_fails(image_write_png(path, pixels, 0, 16), EXIT_IO, path);
    assert_fails(image_write_jpeg(path, pixels, 70000, 0, 90), EXIT_IO, path);
    assert_false(files_exists(path));
    free(path);
    free(pixels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_as_pillow_makes_them),
        cmocka_unit_test(the_centre_is_rounded_half_to_even),
        cmocka_unit_test(a_square_is_seen_whole),
        cmocka_unit_test(a_ribbon_is_refused),
        cmocka_unit_test_setup_teardown(truncated_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_byte_of_a_png_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_png_of_other_pixels_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jpeg_with_data_to_spare_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jpeg_with_a_hole_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_image_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_are_checked_before_memory_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_written_png_reads_back_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_written_jpeg_reads_back_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(a_image_that_cannot_be_written_says_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
