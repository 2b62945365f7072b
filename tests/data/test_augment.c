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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_follow_their_laws),
        cmocka_unit_test(boxes_reach_every_place),
        cmocka_unit_test(flips_of_probability_0_and_1),
        cmocka_unit_test(boxes_lie_within_the_image),
        cmocka_unit_test(what_never_fits_falls_back_to_the_centre),
        cmocka_unit_test(one_pixel_is_taken_whole),
        cmocka_unit_test(a_try_that_does_not_fit_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
