/* SPDX-License-Identifier: Apache-2.0 */
/* random_resized_crop() follows its distributions: uniform areas, log-uniform ratios, uniform places, and the fallback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/loader.h"
#include "tests/fixtures/same_crop.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWS = 20000, BINS = 10 };

/* Chi-square with 9 degrees of freedom exceeds this once in 1000; the seeds are fixed, so it does or does not. */
static const double CHI_SQUARE_LIMIT = 27.9;

static const CropRange recipe = {
    .scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5};

static Crop crop_of(uint64_t sample, const CropRange *range, int height, int width) {
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, sample);
    return random_resized_crop(&random, range, height, width);
}

/* Counts `value` of [low, high) into one of ten bins. */
static void count(int bins[BINS], double value, double low, double high) {
    int bin = (int)floor((value - low) / (high - low) * BINS);
    bins[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
}

static void expect_uniform(const int bins[BINS], const char *what) {
    double expected = (double)DRAWS / BINS, sum = 0;
    for (int i = 0; i < BINS; i++)
        sum += (bins[i] - expected) * (bins[i] - expected) / expected;
    if (sum > CHI_SQUARE_LIMIT)
        fail_msg("%s: chi-square %g", what, sum);
}

/* Areas up to half a large square always fit, so no try fails and each distribution can be tested. */
static void boxes_follow_their_laws(void **state) {
    (void)state;
    enum { SIDE = 8000 };
    const CropRange range = {.scale_min = 0.1, .scale_max = 0.5, .ratio_min = 0.6, .ratio_max = 1.9, .flip = 0.3};
    int area[BINS] = {0}, ratio[BINS] = {0}, top[BINS] = {0}, left[BINS] = {0}, flips = 0;
    for (int i = 0; i < DRAWS; i++) {
        Crop crop = crop_of((uint64_t)i, &range, SIDE, SIDE);
        assert_in_range(crop.top, 0, SIDE - crop.height);
        assert_in_range(crop.left, 0, SIDE - crop.width);
        double share = (double)crop.height * crop.width / ((double)SIDE * SIDE);
        double shape = (double)crop.width / crop.height;
        /* Sides of 1800 pixels and more, rounded to one: 0.06 %. */
        assert_true(share > 0.1 * 0.999 && share < 0.5 * 1.001);
        assert_true(shape > 0.6 * 0.999 && shape < 1.9 * 1.001);
        count(area, share, 0.1, 0.5);
        count(ratio, log(shape), log(0.6), log(1.9));
        count(top, crop.top, 0, SIDE - crop.height + 1);
        count(left, crop.left, 0, SIDE - crop.width + 1);
        flips += crop.flip;
    }
    expect_uniform(area, "area");
    expect_uniform(ratio, "ratio");
    expect_uniform(top, "top");
    expect_uniform(left, "left");
    /* Binomial: 0.3 x 20,000 with a standard deviation of 65; four of them. */
    assert_in_range(flips, 6000 - 260, 6000 + 260);
}

/* A box of 4 x 4 within 6 x 7 pixels: each of its 3 x 4 places is equally likely, the last row and column included. */
static void boxes_reach_every_place(void **state) {
    (void)state;
    enum { TOPS = 3, LEFTS = 4 };
    const CropRange range = {.scale_min = 16.0 / 42, .scale_max = 16.0 / 42, .ratio_min = 1, .ratio_max = 1};
    const double expected = (double)DRAWS / (TOPS * LEFTS);
    int places[TOPS][LEFTS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        const Crop crop = crop_of((uint64_t)i, &range, 6, 7);
        assert_int_equal(crop.height, 4);
        assert_int_equal(crop.width, 4);
        assert_in_range(crop.top, 0, TOPS - 1);
        assert_in_range(crop.left, 0, LEFTS - 1);
        places[crop.top][crop.left]++;
    }
    double sum = 0;
    for (int i = 0; i < TOPS * LEFTS; i++) {
        const double off = places[i / LEFTS][i % LEFTS] - expected;
        sum += off * off / expected;
    }
    assert_true(sum < 31.3); /* chi-square with 11 degrees of freedom exceeds this once in 1000 */
}

static void flips_of_probability_0_and_1(void **state) {
    (void)state;
    CropRange never = recipe, always = recipe;
    never.flip = 0;
    always.flip = 1;
    for (uint64_t i = 0; i < 1000; i++) {
        Crop one = crop_of(i, &never, 300, 400), other = crop_of(i, &always, 300, 400);
        assert_false(one.flip);
        assert_true(other.flip);
        other.flip = false; /* and the box does not depend on it */
        assert_same_crop(&one, &other);
    }
}

/* Every box is inside the image, down to one pixel. */
static void boxes_lie_within_the_image(void **state) {
    (void)state;
    static const CropRange wide = {.scale_min = 0.05, .scale_max = 1, .ratio_min = 3, .ratio_max = 5, .flip = 0.5};
    static const CropRange tall = {.scale_min = 0.05, .scale_max = 1, .ratio_min = 0.1, .ratio_max = 0.2, .flip = 0.5};
    static const CropRange *const ranges[] = {&recipe, &wide, &tall};
    for (uint64_t i = 0; i < DRAWS; i++) {
        Random size;
        random_start(&size, 8, RANDOM_TEST, 0, i);
        int height = 1 + (int)random_below(&size, i % 2 ? 12 : 3000), width = 1 + (int)random_below(&size, 700);
        if (i % 3 == 0)
            width = 1 + width % 3;
        Crop crop = crop_of(i, ranges[i % 3], height, width);
        assert_in_range(crop.height, 1, height);
        assert_in_range(crop.width, 1, width);
        assert_in_range(crop.top, 0, height - crop.height);
        assert_in_range(crop.left, 0, width - crop.width);
    }
}

static void expect_box(const CropRange *range, int height, int width, Crop expected) {
    for (uint64_t i = 0; i < 50; i++) {
        Crop crop = crop_of(i, range, height, width);
        crop.flip = false;
        if (crop.top != expected.top || crop.left != expected.left || crop.height != expected.height ||
            crop.width != expected.width)
            fail_msg("%d x %d: box %d %d %d %d, not %d %d %d %d", height, width, crop.top, crop.left, crop.height,
                     crop.width, expected.top, expected.left, expected.height, expected.width);
    }
}

/* Where no box of a fifth of the area and the ratios fits, the largest central one of the nearest ratio is taken. */
static void what_never_fits_falls_back_to_the_centre(void **state) {
    (void)state;
    expect_box(&recipe, 10, 1000, (Crop){.top = 0, .left = 493, .height = 10, .width = 13});
    expect_box(&recipe, 1000, 10, (Crop){.top = 493, .left = 0, .height = 13, .width = 10});
    expect_box(&recipe, 50, 1, (Crop){.top = 24, .left = 0, .height = 1, .width = 1});
    expect_box(&recipe, 1, 50, (Crop){.top = 0, .left = 24, .height = 1, .width = 1});
    expect_box(&recipe, 2, 2000, (Crop){.top = 0, .left = 998, .height = 2, .width = 3});
    /* Larger than the image: all of it, whose ratio is within bounds. */
    CropRange huge = recipe;
    huge.scale_min = 1.5;
    huge.scale_max = 2;
    expect_box(&huge, 300, 360, (Crop){.height = 300, .width = 360});
    /* A box of no height: one pixel. */
    CropRange flat = huge;
    flat.ratio_min = 3;
    flat.ratio_max = 4;
    expect_box(&flat, 40, 1, (Crop){.top = 19, .left = 0, .height = 1, .width = 1});
}

static void one_pixel_is_taken_whole(void **state) {
    (void)state;
    expect_box(&recipe, 1, 1, (Crop){.height = 1, .width = 1});
}

/* Where only some shapes fit, tries are repeated: nearly all boxes are drawn, not the fallback. With areas from
 * 0.2 to 1 of a square, a try fits with probability 0.84: ten misses in a row do not happen. */
static void a_try_that_does_not_fit_is_repeated(void **state) {
    (void)state;
    enum { SIDE = 1000 };
    int whole = 0;
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        Crop crop = crop_of((uint64_t)i, &recipe, SIDE, SIDE);
        whole += crop.height == SIDE && crop.width == SIDE;
        sum += (double)crop.height * crop.width / ((double)SIDE * SIDE);
    }
    assert_true(whole <= 20);
    /* A box of area a fits when |ln ratio| <= -ln a: with probability p(a) = min(1, -ln a / ln(4/3)). The mean area of
     * those that fit is the integral of a p(a) over that of p(a), from 0.2 to 1: 0.5384. Standard error 0.0014. */
    assert_true(fabs(sum / DRAWS - 0.5384) < 4 * 0.0014);
}

static Look draw_look(uint64_t sample, double jitter, double erase) {
    Random random;
    random_start(&random, 4, RANDOM_LOOK, 1, sample);
    return random_look(&random, &(LookRange){jitter, erase}, 64);
}

/* What a colour matrix makes of one pixel. */
static void alter(const Look *look, const float pixel[3], float out[3]) {
    for (int c = 0; c < 3; c++)
        out[c] = look->colour[c][0] * pixel[0] + look->colour[c][1] * pixel[1] + look->colour[c][2] * pixel[2] +
                 look->colour[c][3];
}

static void colours_are_brightness_contrast_and_saturation(void **state) {
    (void)state;
    double least = 2, most = 0;
    for (uint64_t i = 0; i < 200; i++) {
        const Look plain = draw_look(i, 0, 0), look = draw_look(i, 0.5, 0);
        float black[3], grey[3], red[3];
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < 4; k++)
                assert_true(plain.colour[c][k] == (c == k));
        alter(&look, (float[]){0, 0, 0}, black);
        alter(&look, (float[]){100, 100, 100}, grey);
        alter(&look, (float[]){200, 0, 0}, red);
        /* A grey stays grey: the sums are those of 0.299, 0.587 and 0.114, rounded. */
        assert_true(fabsf(grey[0] - grey[1]) < 1e-4f && fabsf(grey[0] - grey[2]) < 1e-4f);
        /* From three pixels, the three factors: black has (1 - contrast) 114, grey brightness contrast 100 more, and
         * the channels of red differ by brightness contrast saturation 200. */
        const double contrast = 1 - black[0] / 114, brightness = (grey[0] - black[0]) / 100 / contrast;
        const double saturation = (red[0] - red[1]) / 200 / contrast / brightness;
        const double factors[] = {contrast, brightness, saturation};
        for (int f = 0; f < 3; f++) {
            assert_true(factors[f] > 0.4999 && factors[f] < 1.5001);
            least = factors[f] < least ? factors[f] : least;
            most = factors[f] > most ? factors[f] : most;
        }
        assert_int_equal(look.height, 0);
    }
    assert_true(least < 0.52 && most > 1.48); /* of 600 draws */
}

static void a_rectangle_is_erased(void **state) {
    (void)state;
    int erased = 0, tall = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        const Look look = draw_look(i, 0, 0.25);
        if (!look.height)
            continue;
        erased++;
        tall += look.height > look.width;
        const double share = (double)look.height * look.width / (64 * 64), ratio = (double)look.height / look.width;
        /* Sides are rounded to pixels: of the smallest, 5 x 16, by a tenth. */
        assert_true(share > 0.02 * 0.85 && share < 1.0 / 3 * 1.05 && ratio > 0.3 * 0.85 && ratio < 1 / 0.3 * 1.15);
        assert_true(look.top >= 0 && look.left >= 0 && look.top + look.height <= 64 && look.left + look.width <= 64);
    }
    /* Binomial: 500 within 5 standard deviations of 19; half of them tall, of 11. */
    assert_in_range(erased, 405, 595);
    assert_true(abs(2 * tall - erased) < 110);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_follow_their_laws),
        cmocka_unit_test(boxes_reach_every_place),
        cmocka_unit_test(flips_of_probability_0_and_1),
        cmocka_unit_test(boxes_lie_within_the_image),
        cmocka_unit_test(what_never_fits_falls_back_to_the_centre),
        cmocka_unit_test(one_pixel_is_taken_whole),
        cmocka_unit_test(a_try_that_does_not_fit_is_repeated),
        cmocka_unit_test(colours_are_brightness_contrast_and_saturation),
        cmocka_unit_test(a_rectangle_is_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
