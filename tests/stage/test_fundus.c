/* SPDX-License-Identifier: Apache-2.0 */
/* The circle and the frame: drawn discs whose circle is known, at several scales, and what is no circle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/ops.h"
#include "pack/row.h"
#include "stage/frame/circle.h"
#include "stage/frame/fundus.h"
#include "stage/frame/overview.h"
#include "tests/fixtures/drawn.h"
#include "tests/fixtures/scratch.h"

/* Every n-th full-size pixel's box averaged: what a decoder gives at 1/n. */
static Image shrink(const Image *image, int n) {
    Image small = {.width = (image->width + n - 1) / n, .height = (image->height + n - 1) / n};
    small.pixels = malloc((size_t)small.width * small.height * 3);
    assert_non_null(small.pixels);
    for (int y = 0; y < small.height; y++)
        for (int x = 0; x < small.width; x++)
            for (int c = 0; c < 3; c++) {
                int sum = 0, count = 0;
                for (int i = y * n; i < y * n + n && i < image->height; i++)
                    for (int j = x * n; j < x * n + n && j < image->width; j++, count++)
                        sum += image->pixels[((size_t)i * image->width + j) * 3 + c];
                small.pixels[((size_t)y * small.width + x) * 3 + c] = (uint8_t)((sum + count / 2) / count);
            }
    return small;
}

static void expect_circle(const Disc *disc, double tolerance, const char *what) {
    Image image = drawn_disc(disc);
    float circle[4];
    assert_ok(circle_find(&image, image.height, image.width, circle));
    if (!(fabs(circle[0] - disc->x) <= tolerance) || !(fabs(circle[1] - disc->y) <= tolerance) ||
        !(fabs(circle[2] - disc->radius) <= tolerance) || !(circle[3] >= 0.9f))
        fail_msg("%s: circle %g %g %g, confidence %g, not %g %g %g", what, (double)circle[0], (double)circle[1],
                 (double)circle[2], (double)circle[3], disc->x, disc->y, disc->radius);
    image_free(&image);
}

/* One pixel in 1,000 is what a record of 256 shows as a quarter of one; small images have no more than a pixel's
 * tenths to go by. */
static void circles_are_found(void **state) {
    (void)state;
    const double share = 0.001;
    expect_circle(&(Disc){1000, 1000, 500, 500, 460, 3, 0, 0, 0, 1, false}, 1000 * share, "centred");
    expect_circle(&(Disc){900, 1200, 571.3, 433.7, 380.4, 3, 4, 0, 0, 2, false}, 1200 * share, "off centre, noisy");
    expect_circle(&(Disc){1000, 1000, 500, 500, 460, 25, 4, 0, 0, 3, false}, 1000 * share, "soft rim");
    expect_circle(&(Disc){1000, 1000, 500, 500, 490, 3, 2, 0.8, 0, 4, false}, 1000 * share,
                  "cut flat within the image");
    expect_circle(&(Disc){760, 1200, 600, 380, 480, 3, 2, 0, 0, 5, false}, 1200 * share, "cut off by the sensor");
    expect_circle(&(Disc){900, 1200, 690, 420, 500, 3, 2, 0, 0, 6, false}, 1200 * share, "leaving on two sides");
    expect_circle(&(Disc){1000, 1000, 500, 500, 200, 3, 2, 0, 0, 7, false}, 1000 * share, "small");
    expect_circle(&(Disc){1000, 1000, 500, 500, 460, 3, 1, 0, 0.2, 8, false}, 1000 * share, "dark");
    expect_circle(&(Disc){256, 256, 128, 128, 122, 1, 4, 0, 0, 9, false}, 0.5, "a small image");
    expect_circle(&(Disc){256, 256, 128, 128, 128, 1, 2, 0, 0, 10, false}, 0.5, "filling its image");
}

/* A tab on the rim and writing in a corner are no part of the circle. */
static void marks_do_not_move_it(void **state) {
    (void)state;
    const Disc disc = {1000, 1000, 500, 500, 460, 3, 0, 0, 0, 1, false};
    Image image = drawn_disc(&disc);
    for (int y = 0; y < 1000; y++)
        for (int x = 0; x < 1000; x++)
            if (hypot(x - 850, y - 200) < 25 || (y > 950 && y < 980 && x > 20 && x < 220 && x / 8 % 2))
                memset(image.pixels + ((size_t)y * 1000 + x) * 3, 150, 3);
    float circle[4];
    assert_ok(circle_find(&image, 1000, 1000, circle));
    assert_true(fabs(circle[0] - 500) < 1 && fabs(circle[1] - 500) < 1 && fabs(circle[2] - 460) < 1);
    assert_true(circle[3] >= CIRCLE_CONFIDENCE);
    image_free(&image);
}

/* Behind a narrow pupil only the middle of the field is bright: the rim that counts is the field's. */
static void a_dim_rim_counts(void **state) {
    (void)state;
    const Disc disc = {800, 1000, 480, 410, 370, 3, 1, 0, 0, 1, false};
    for (int bright = 5; bright <= 8; bright++) {
        Image image = drawn_disc(&disc);
        for (int y = 0; y < disc.height; y++)
            for (int x = 0; x < disc.width; x++)
                for (int c = 0; c < 3 && hypot(x - 480, y - 410) > bright * 37; c++) {
                    uint8_t *level = image.pixels + ((size_t)y * disc.width + x) * 3 + c;
                    *level = (uint8_t)(*level > 3 ? 3 + (*level - 3) / 8 : *level); /* about 14 levels over black */
                }
        float circle[4];
        assert_ok(circle_find(&image, disc.height, disc.width, circle));
        if (!(fabs(circle[0] - 480) < 1.5) || !(fabs(circle[1] - 410) < 1.5) || !(fabs(circle[2] - 370) < 1.5) ||
            circle[3] < CIRCLE_CONFIDENCE)
            fail_msg("bright to %d tenths: circle %g %g %g, confidence %g", bright, (double)circle[0],
                     (double)circle[1], (double)circle[2], (double)circle[3]);
        image_free(&image);
    }
}

/* Stray light around the disc is no second rim. */
static void haze_does_not_widen_it(void **state) {
    (void)state;
    const Disc disc = {800, 1000, 480, 410, 320, 3, 1, 0, 0, 1, false};
    for (int haze = 5; haze <= 20; haze += 5) {
        Image image = drawn_disc(&disc);
        for (int y = 0; y < disc.height; y++)
            for (int x = 0; x < disc.width; x++) {
                const double beyond = hypot(x - 480, y - 410) / 320 - 1;
                uint8_t *pixel = image.pixels + ((size_t)y * disc.width + x) * 3;
                for (int c = 0; c < 3 && beyond > 0; c++)
                    pixel[c] = (uint8_t)(pixel[c] + haze * exp(-4 * beyond));
            }
        float circle[4];
        assert_ok(circle_find(&image, disc.height, disc.width, circle));
        if (!(fabs(circle[0] - 480) < 1.5) || !(fabs(circle[1] - 410) < 1.5) || !(fabs(circle[2] - 320) < 1.5) ||
            circle[3] < CIRCLE_CONFIDENCE)
            fail_msg("haze of %d levels: circle %g %g %g, confidence %g", haze, (double)circle[0], (double)circle[1],
                     (double)circle[2], (double)circle[3]);
        image_free(&image);
    }
}

/* The overview is the same, so the circle is, but for the rounding of the small image's levels. Sides that are no
 * multiple of 8 leave a last pixel which reaches beyond the image. */
static void it_does_not_depend_on_the_scale(void **state) {
    (void)state;
    const Disc disc = {1397, 1603, 811.2, 702.9, 640.3, 4, 3, 0, 0, 3, false};
    Image image = drawn_disc(&disc);
    uint8_t whole[64 * 64 * 3], part[64 * 64 * 3];
    Framing first, framing;
    assert_ok(fundus_frame(&image, image.height, image.width, FRAME_FUNDUS, 64, whole, &first));
    for (int n = 2; n <= 8; n *= 2) {
        Image small = shrink(&image, n);
        assert_ok(fundus_frame(&small, image.height, image.width, FRAME_FUNDUS, 64, part, &framing));
        for (int i = 0; i < 3; i++)
            if (!(fabsf(framing.circle[i] - first.circle[i]) < 0.5f)) /* full-size pixels of 1,603 */
                fail_msg("at 1/%d: circle[%d] is %g, not %g", n, i, (double)framing.circle[i], (double)first.circle[i]);
        double error = 0;
        for (size_t i = 0; i < sizeof whole; i++)
            error += (whole[i] - part[i]) * (whole[i] - part[i]) / (double)sizeof whole;
        /* 45 dB: mean squared error of 2. A crop one decoded pixel off gives above 10. */
        if (!(error < 2.06))
            fail_msg("at 1/%d: mean squared error %g", n, error);
        image_free(&small);
    }
    image_free(&image);
}

static void expect_no_circle(Image image, const char *what) {
    uint8_t record[32 * 32 * 3];
    Framing framing;
    assert_ok(fundus_frame(&image, image.height, image.width, FRAME_FUNDUS, 32, record, &framing));
    const int side = image.height > image.width ? image.height : image.width;
    if (framing.flags != PACK_NO_CIRCLE || framing.crop[2] != side || framing.crop[3] != side ||
        framing.crop[0] != (image.height - side) / 2 || framing.crop[1] != (image.width - side) / 2)
        fail_msg("%s: flags %u, confidence %g, crop %d %d %d %d", what, framing.flags, (double)framing.circle[3],
                 framing.crop[0], framing.crop[1], framing.crop[2], framing.crop[3]);
    image_free(&image);
}

/* A bright shape on black. */
static Image draw_shape(int height, int width, bool (*inside)(double u, double v)) {
    Image image = drawn_flat(height, width, 3);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (inside((x + 0.5) * 2 / width - 1, (y + 0.5) * 2 / height - 1))
                memset(image.pixels + ((size_t)y * width + x) * 3, 140, 3);
    return image;
}

static bool square(double u, double v) {
    return fabs(u) < 0.8 && fabs(v) < 0.8;
}
static bool oval(double u, double v) {
    return u * u / 0.81 + v * v / 0.36 < 1;
}
static bool flatter(double u, double v) {
    return u * u / 0.81 + v * v / 0.72 < 1;
}
static bool diamond(double u, double v) {
    return fabs(u) + fabs(v) < 0.9;
}
/* A mosaic: four fields beside and above each other. */
static bool mosaic(double u, double v) {
    return hypot(u - 0.35, v) < 0.5 || hypot(u + 0.35, v - 0.1) < 0.5 || hypot(u, v - 0.4) < 0.5 ||
           hypot(u - 0.1, v + 0.45) < 0.5;
}
static bool pair(double u, double v) {
    return hypot(u - 0.5, v / 2) < 0.46 || hypot(u + 0.5, v / 2) < 0.46;
}
static bool overlapping(double u, double v) {
    return hypot(u - 0.3, v) < 0.6 || hypot(u + 0.3, v - 0.2) < 0.6;
}
static bool stripes(double u, double v) {
    (void)v;
    return (int)floor(u * 10) % 2 == 0;
}

static void what_is_no_circle_keeps_its_frame(void **state) {
    (void)state;
    expect_no_circle(drawn_flat(500, 500, 0), "black");
    expect_no_circle(drawn_flat(500, 700, 255), "white");
    expect_no_circle(drawn_flat(16, 16, 90), "tiny");
    expect_no_circle(drawn_flat(1, 1, 90), "one pixel");
    expect_no_circle(drawn_flat(1, 900, 90), "a row");
    expect_no_circle(drawn_flat(900, 1, 90), "a column");
    expect_no_circle(drawn_flat(3, 9001, 90), "a ribbon");
    expect_no_circle(draw_shape(600, 600, square), "a square");
    expect_no_circle(draw_shape(500, 800, square), "a rectangle");
    expect_no_circle(draw_shape(600, 600, oval), "an oval");
    expect_no_circle(draw_shape(600, 600, flatter), "a circle pressed by a twentieth");
    expect_no_circle(draw_shape(600, 600, diamond), "a diamond");
    expect_no_circle(draw_shape(700, 700, mosaic), "a mosaic");
    expect_no_circle(draw_shape(500, 1000, pair), "two photographs side by side");
    expect_no_circle(draw_shape(700, 700, overlapping), "two fields laid over each other");
    expect_no_circle(draw_shape(700, 700, stripes), "stripes");
    Image noise = drawn_flat(400, 400, 0);
    Random random;
    random_start(&random, 3, RANDOM_TEST, 0, 0);
    for (int i = 0; i < 400 * 400 * 3; i++)
        noise.pixels[i] = (uint8_t)random_below(&random, 256);
    expect_no_circle(noise, "noise");
    expect_no_circle(drawn_disc(&(Disc){600, 600, 300, 300, 900, 3, 2, 0, 0, 1, false}), "a field without a rim");
}

/* Small discs in any size of image: whatever is found, nothing breaks and the frame is sound. */
static void small_images_do_no_harm(void **state) {
    (void)state;
    for (int height = 1; height <= 40; height += 3)
        for (int width = 1; width <= 40; width += 3) {
            const double radius = (height < width ? height : width) * 0.45;
            Image image = drawn_disc(&(Disc){height, width, width / 2.0, height / 2.0, radius, 1, 1, 0, 0, 1, false});
            uint8_t record[8 * 8 * 3];
            Framing framing;
            assert_ok(fundus_frame(&image, height, width, FRAME_FUNDUS, 8, record, &framing));
            assert_true(framing.crop[2] >= 1 && framing.crop[2] == framing.crop[3] && framing.crop[2] <= 3 * 40);
            assert_true(framing.circle[3] >= 0 && framing.circle[3] <= 1);
            image_free(&image);
        }
}

/* `image` padded with black to what `crop` says, then resized whole. */
static void expect_record(const Image *image, const int32_t crop[4], int size, const uint8_t *record) {
    Image padded = drawn_flat(crop[2], crop[3], 0);
    for (int y = 0; y < crop[2]; y++)
        for (int x = 0; x < crop[3]; x++) {
            const int row = y + crop[0], column = x + crop[1];
            if (row >= 0 && column >= 0 && row < image->height && column < image->width)
                memcpy(padded.pixels + ((size_t)y * crop[3] + x) * 3,
                       image->pixels + ((size_t)row * image->width + column) * 3, 3);
        }
    uint8_t *want = malloc((size_t)size * size * 3);
    assert_non_null(want);
    assert_ok(
        resize_pixels(padded.pixels, crop[2], crop[3], (Crop){.height = crop[2], .width = crop[3]}, size, size, want));
    assert_memory_equal(record, want, (size_t)size * size * 3);
    free(want);
    image_free(&padded);
}

static void frames_are_right_to_a_pixel(void **state) {
    (void)state;
    static uint8_t record[64 * 64 * 3];
    Framing framing;
    /* Half-height points of a rim one pixel wide are a few tenths of one off: the crop may be one off. */
    Image filled = drawn_disc(&(Disc){300, 300, 150, 150, 150, 1, 0, 0, 0, 1, false});
    assert_ok(fundus_frame(&filled, 300, 300, FRAME_FUNDUS, 64, record, &framing));
    assert_int_equal(framing.flags, 0);
    assert_in_range(framing.crop[0] + 1, 0, 2);
    assert_in_range(framing.crop[1] + 1, 0, 2);
    assert_in_range(framing.crop[2], 299, 301);
    expect_record(&filled, framing.crop, 64, record);
    image_free(&filled);

    Image cut = drawn_disc(&(Disc){380, 640, 300, 180, 250, 2, 1, 0, 0, 2, false});
    assert_ok(fundus_frame(&cut, 380, 640, FRAME_FUNDUS, 64, record, &framing));
    assert_int_equal(framing.flags, 0);
    assert_true(framing.crop[0] < 0 && framing.crop[0] + framing.crop[2] > 380);
    expect_record(&cut, framing.crop, 64, record);
    for (int x = 0; x < 64 * 3; x++)
        assert_int_equal(record[x], 0); /* beyond the image: its top is 70 pixels, 9 of the record, off */

    assert_ok(fundus_frame(&cut, 380, 640, FRAME_WHOLE, 64, record, &framing));
    assert_int_equal(framing.flags, PACK_FULL_FRAME);
    const int32_t whole[4] = {-130, 0, 640, 640};
    assert_memory_equal(framing.crop, whole, sizeof whole);
    const float none[4] = {0};
    assert_memory_equal(framing.circle, none, sizeof none);
    expect_record(&cut, whole, 64, record);
    image_free(&cut);
}

/* A circle in the very middle, of an odd width, whose middle is found a hundredth of a pixel up, down or aside. */
static void copies_get_the_same_square(void **state) {
    (void)state;
    Framing first = {0};
    for (int i = 0; i < 9; i++) {
        const Disc disc = {200, 200, 100 + (i % 3 - 1) * 0.02, 100 + (i / 3 - 1) * 0.02, 89.5, 1, 0, 0, 0, 1, false};
        Image image = drawn_disc(&disc);
        uint8_t record[32 * 32 * 3];
        Framing framing;
        assert_ok(fundus_frame(&image, 200, 200, FRAME_FUNDUS, 32, record, &framing));
        assert_int_equal(framing.crop[2] % 2, 1);
        first = i ? first : framing;
        assert_memory_equal(framing.crop, first.crop, sizeof first.crop);
        image_free(&image);
    }
}

static void few_pixels_ask_for_the_full_size(void **state) {
    (void)state;
    const Image full = {.width = 2400, .height = 2000}, half = {.width = 1200, .height = 1000};
    Framing framing = {.crop = {0, 0, 1024, 1024}};
    assert_int_equal(fundus_min_side(256), 640);
    assert_false(fundus_needs_full(&full, 2000, 2400, &framing, 2000));
    assert_false(fundus_needs_full(&half, 2000, 2400, &framing, 256)); /* 512 pixels */
    framing.crop[2] = framing.crop[3] = 1023;
    assert_true(fundus_needs_full(&half, 2000, 2400, &framing, 256));
}

static void decoder_scales_are_reported(void **state) {
    (void)state;
    assert_true(overview_factor(3000, 3000) == 1.0 && overview_factor(3000, 375) == 8.0);
    assert_true(overview_factor(3001, 1501) == 2.0 && overview_factor(3001, 751) == 4.0);
    assert_true(overview_factor(1, 1) == 1.0 && fabs(overview_factor(900, 300) - 3.0) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circles_are_found),
        cmocka_unit_test(marks_do_not_move_it),
        cmocka_unit_test(a_dim_rim_counts),
        cmocka_unit_test(haze_does_not_widen_it),
        cmocka_unit_test(it_does_not_depend_on_the_scale),
        cmocka_unit_test(what_is_no_circle_keeps_its_frame),
        cmocka_unit_test(small_images_do_no_harm),
        cmocka_unit_test(frames_are_right_to_a_pixel),
        cmocka_unit_test(copies_get_the_same_square),
        cmocka_unit_test(few_pixels_ask_for_the_full_size),
        cmocka_unit_test(decoder_scales_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
