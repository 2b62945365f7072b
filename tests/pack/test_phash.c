/* SPDX-License-Identifier: Apache-2.0 */
/* The perceptual hash: copies are near, other eyes are far. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "image/encode.h"
#include "pack/phash.h"
#include "tests/fixtures/drawn.h"
#include "tests/fixtures/scratch.h"

enum { SIDE = 256 };

static Disc eye(uint64_t number) {
    return (Disc){SIDE, SIDE, SIDE / 2.0, SIDE / 2.0, SIDE / 2.0, 1.5, 1, 0, 0, number, false};
}

static int distance(uint64_t a, uint64_t b) {
    return __builtin_popcountll(a ^ b);
}

static bool are_near(uint64_t a, uint64_t b) {
    return a && b && distance(a, b) <= PHASH_NEAR;
}

static uint64_t hash_of(const Disc *disc) {
    Image image = drawn_disc(disc);
    const uint64_t hash = phash(image.pixels, disc->width);
    image_free(&image);
    return hash;
}

static void different_eyes_are_far(void **state) {
    (void)state;
    enum { EYES = 40 };
    uint64_t hashes[EYES];
    double sum = 0;
    for (int i = 0; i < EYES; i++) {
        const Disc disc = eye((uint64_t)i);
        hashes[i] = hash_of(&disc);
        for (int j = 0; j < i; j++) {
            assert_false(are_near(hashes[i], hashes[j]));
            assert_true(distance(hashes[i], hashes[j]) > 2 * PHASH_NEAR);
            sum += distance(hashes[i], hashes[j]);
        }
    }
    /* Bits without anything in common: 32 of 64, and 780 pairs leave the mean half a bit to stray. */
    const double mean = sum / (EYES * (EYES - 1) / 2);
    assert_true(mean > 30 && mean < 34);
}

/* What all eyes share (the bright disc of the nerve, shading, a field cut flat) is not what makes images near. */
static void what_all_share_does_not_count(void **state) {
    (void)state;
    enum { EYES = 30 };
    uint64_t hashes[EYES];
    double sum = 0;
    for (int i = 0; i < EYES; i++) {
        Disc disc = eye((uint64_t)i);
        disc.common = true;
        disc.cut = 0.8;
        hashes[i] = hash_of(&disc);
        for (int j = 0; j < i; j++) {
            assert_false(are_near(hashes[i], hashes[j]));
            sum += distance(hashes[i], hashes[j]);
        }
    }
    const double mean = sum / (EYES * (EYES - 1) / 2);
    /* Faint vessels leave some bits to what all share: 23.6 bits of 64 differ, and 19 where the local contrast is not
     * evened out. */
    assert_true(mean > 21);
}

static void copies_are_near(void **state) {
    (void)state;
    char *folder = scratch_make();
    char *path = scratch_path(folder, "copy.jpg");
    for (uint64_t number = 0; number < 10; number++) {
        Disc disc = eye(number);
        const uint64_t hash = hash_of(&disc);
        Image image = drawn_disc(&disc), again;
        assert_ok(image_write_jpeg(path, image.pixels, SIDE, SIDE, 70));
        assert_ok(image_read(path, &again));
        assert_true(are_near(hash, phash(again.pixels, SIDE)));
        image_free(&again);
        image_free(&image);
        disc.light = 0.8;
        assert_true(are_near(hash, hash_of(&disc)));
        disc.light = 1.15;
        assert_true(are_near(hash, hash_of(&disc)));
        const Disc small = {150, 150, 75, 75, 75, 1.5, 1, 0, 0, number, false};
        assert_true(are_near(hash, hash_of(&small)));
    }
    scratch_remove(folder);
    free(path);
}

/* The square around the circle of a small image may fall a pixel aside in a copy: of 160 pixels, 1.6 of 256. */
static void copies_cut_out_a_pixel_aside_are_near(void **state) {
    (void)state;
    for (uint64_t number = 0; number < 20; number++) {
        Disc disc = eye(number);
        const uint64_t hash = hash_of(&disc);
        disc.x += 1.6;
        assert_true(are_near(hash, hash_of(&disc)));
    }
}

/* Grey images and those that fill their square, as infrared frames do, are told apart as well. */
static void grey_frames_count(void **state) {
    (void)state;
    uint64_t hashes[2][2];
    for (int number = 0; number < 2; number++)
        for (int copy = 0; copy < 2; copy++) {
            Disc disc = eye((uint64_t)number);
            disc.radius = SIDE;
            disc.light = copy ? 0.9 : 1.0;
            Image image = drawn_disc(&disc);
            for (int i = 0; i < SIDE * SIDE; i++)
                memset(image.pixels + i * 3, image.pixels[i * 3 + 1], 3);
            hashes[number][copy] = phash(image.pixels, SIDE);
            image_free(&image);
        }
    assert_true(are_near(hashes[0][0], hashes[0][1]) && are_near(hashes[1][0], hashes[1][1]));
    assert_true(distance(hashes[0][0], hashes[1][0]) > 2 * PHASH_NEAR);
}

/* Nothing to compare: 0, which is near to nothing. */
static void flat_images_have_none(void **state) {
    (void)state;
    const int sizes[] = {1, 7, 64, 224};
    for (int i = 0; i < 4; i++) {
        Image black = drawn_flat(sizes[i], sizes[i], 0);
        assert_int_equal(phash(black.pixels, sizes[i]), 0);
        image_free(&black);
        Image white = drawn_flat(sizes[i], sizes[i], 255);
        (void)phash(white.pixels, sizes[i]);
        image_free(&white);
    }
    assert_false(are_near(0, 1));
}

static void likeness_separates_copies_from_eyes(void **state) {
    (void)state;
    enum { EYES = 12 };
    Image images[EYES];
    for (int i = 0; i < EYES; i++) {
        const Disc disc = eye((uint64_t)i);
        images[i] = drawn_disc(&disc);
        for (int j = 0; j < i; j++)
            assert_true(fabs(phash_likeness(images[i].pixels, SIDE, images[j].pixels, SIDE)) < PHASH_LIKE / 2);
    }
    for (int i = 0; i < EYES; i++) {
        Disc disc = eye((uint64_t)i);
        disc.light = 0.85;
        Image darker = drawn_disc(&disc);
        assert_true(phash_likeness(images[i].pixels, SIDE, darker.pixels, SIDE) > PHASH_LIKE);
        assert_true(phash_likeness(images[i].pixels, SIDE, images[i].pixels, SIDE) > 0.999999);
        memset(darker.pixels, 90, (size_t)SIDE * SIDE * 3);
        assert_true(phash_likeness(images[i].pixels, SIDE, darker.pixels, SIDE) < PHASH_LIKE / 2);
        image_free(&darker);
    }
    for (int i = 0; i < EYES; i++)
        image_free(&images[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_eyes_are_far),
        cmocka_unit_test(what_all_share_does_not_count),
        cmocka_unit_test(copies_are_near),
        cmocka_unit_test(copies_cut_out_a_pixel_aside_are_near),
        cmocka_unit_test(grey_frames_count),
        cmocka_unit_test(flat_images_have_none),
        cmocka_unit_test(likeness_separates_copies_from_eyes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
