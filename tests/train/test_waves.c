/* SPDX-License-Identifier: Apache-2.0 */
/* Waves of tiles, and the micro-batch that `auto` chooses by them; all figures worked out by hand. */
#include "tests/fixtures/train_fixture.h"

#include "train/memory/memory_fit.h"
#include "train/memory/waves.h"
#include "train/objective/model_shape.h"

#include <math.h>

/* Sums of a few dozen terms in double. */
static bool same(double a, double b) {
    return fabs(a - b) < 1e-12;
}

/* An encoder of dim 256 that sees 3 of 4 patches, 4 tokens an image, and no decoder, on 4 multiprocessors. In units of
 * k = 256 the products are 3, 1, 4 and 1 x 256 columns wide with k = 1, 1, 1, 4; backward 1, 1, 1, 4 with 3, 1, 4, 1.
 */
static ModelShape narrow(int batch) {
    return (ModelShape){
        .image_size = 16, .patch_size = 8, .mask_ratio = 0.25, .dim = 256, .depth = 1, .mlp_ratio = 4, .batch = batch};
}

static void waves_are_counted(void **state) {
    (void)state;
    /* 512 rows, 4 tiles high: 12, 4, 16 and 4 tiles are 3, 1, 4 and 1 full waves. */
    ModelShape shape = narrow(128);
    assert_true(same(waves_filled(&shape, 4), 1));
    /* 640 rows, 5 tiles high: 15, 5, 20 and 5 tiles take 4, 2, 5 and 2 waves, so 4 + 2 + 5 + 2 x 4 forward and
     * 2 x 3 + 2 + 2 x 4 + 5 backward, 40 in all. Full waves would be 5 / 4 of 24, the products' widths times k. */
    shape = narrow(160);
    assert_true(same(waves_filled(&shape, 4), 30.0 / 40));
    /* The same twice. */
    shape.depth = 2;
    assert_true(same(waves_filled(&shape, 4), 30.0 / 40));
    /* 100 rows, one tile high and not full: with 3, 1, 4 and 1 tiles each takes one wave, so 1 + 1 + 1 + 4 forward and
     * 3 + 1 + 4 + 1 backward. Full ones would be 100 / 128 / 4 of 24. */
    shape = narrow(25);
    assert_true(same(waves_filled(&shape, 4), 24 * 100.0 / 512 / 16));
    /* A decoder of the same dim, of 5 tokens an image: 640 rows beside the encoder's 512. */
    shape = narrow(128);
    shape.decoder_dim = 256;
    shape.decoder_depth = 1;
    assert_true(same(waves_filled(&shape, 4), (24 + 30.0) / (24 + 40)));
    /* 256 x 128 results a tile where that is better: 768 rows and 128 columns are 3 such tiles, 6 of the other kind; k
     * = 128, and 3 x 128 columns are 9 tiles, 12 of the other kind (4 x 128: 12 either way). */
    shape = narrow(192);
    shape.dim = 128;
    const double forward = 9 + 3 + 12 + 3 * 4, backward = 3 * 3 + 3 + 3 * 4 + 12;
    assert_true(same(waves_filled(&shape, 1), 24 * 3 / (forward + backward)));
}

/* A ViT-L's on 132 multiprocessors, of which the encoder's of 896 images, for one, are 350 tiles high: 4200, 1400, 5600
 * and 1400 tiles in 32, 11, 43 and 11 waves. */
static const struct {
    int batch;
    double filled;
} large[] = {{2016, 0.9923}, {1008, 0.9919}, {896, 0.9801}, {448, 0.9332}, {336, 0.9906},
             {288, 0.9159},  {256, 0.8626},  {252, 0.9906}, {224, 0.9221}, {128, 0.8474}};

static void read_large(Config *config, const char *batch) {
    char *sets[] = {"train.micro_batch=auto", (char *)batch};
    assert_fine(config_load(&train_config, config, "configs/vit_large.ini", sets, 2, NULL));
}

/* What `auto` chooses where `most` images at a time just fit. */
static int chosen(const Config *config, int multiprocessors, int most) {
    MemoryPlan plan;
    MemoryBudget budget = {.host_free = SIZE_MAX, .multiprocessors = multiprocessors};
    int micro_batch;
    assert_fine(memory_plan(config, &budget, most, &plan));
    budget.free = memory_needed(&plan, &budget);
    assert_fine(memory_choose_micro_batch(config, &budget, 0, &micro_batch));
    return micro_batch;
}

static void auto_prefers_full_waves(void **state) {
    (void)state;
    Config config;
    read_large(&config, "train.global_batch=1792");
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        const ModelShape shape = model_shape_of(&config, large[i].batch);
        assert_true(fabs(waves_filled(&shape, 132) - large[i].filled) < 5e-5);
    }
    assert_int_equal(chosen(&config, 132, 256), 224);
    assert_int_equal(chosen(&config, 0, 256), 256); /* on a GPU of which nothing is known */
    assert_int_equal(chosen(&config, 132, 896), 896);
    read_large(&config, "train.global_batch=2016");
    assert_int_equal(chosen(&config, 132, 288), 252);
    /* The best by less than a fiftieth is not worth more passes. */
    assert_int_equal(chosen(&config, 132, 2016), 2016);
    assert_int_equal(chosen(&config, 132, 1008), 1008);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(waves_are_counted), cmocka_unit_test(auto_prefers_full_waves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
