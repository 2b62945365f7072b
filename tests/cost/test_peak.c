/* SPDX-License-Identifier: Apache-2.0 */
/* MFU: the chips whose peak is known, by their whole name, and no number for any other. */
#include "tests/fixtures/train_fixture.h"

#include "cost/flops.h"
#include "cost/peak.h"

#include <math.h>

static double peak_of(const char *name, const char *model, RealType type, const char **why) {
    Device device = {.name = name};
    snprintf(device.model, sizeof device.model, "%s", model);
    return peak_flops(&device, type, why);
}

static void chips_that_are_known(void **state) {
    (void)state;
    static const struct {
        const char *model;
        double peak;
    } known[] = {
        {"NVIDIA H100 80GB HBM3, 79.1 GiB", 989e12}, {"NVIDIA H100 PCIe, 79.1 GiB", 756e12},
        {"NVIDIA H200, 139.8 GiB", 989e12},          {"NVIDIA A100-SXM4-40GB, 39.4 GiB", 312e12},
        {"NVIDIA B200, 178.4 GiB", 2250e12},
    };
    const char *why;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_true(peak_of("cuda", known[i].model, REAL_BF16, &why) == known[i].peak);
        assert_null(why);
    }
}

/* A name that merely begins or ends like a known one is another chip. */
static void no_number_for_others(void **state) {
    (void)state;
    static const char *const unknown[] = {
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb, 9.8 GiB",
        "NVIDIA GeForce RTX 4090 D, 23.6 GiB",
        "NVIDIA GeForce RTX 4090 Laptop GPU, 15.7 GiB",
        "NVIDIA H2000, 79.1 GiB",
        "NVIDIA H20, 95.6 GiB",
        "NVIDIA H20",
        "H200, 139.8 GiB",
        "NVIDIA GB10, 119.7 GiB",
        "",
    };
    const char *why;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_true(isnan(peak_of("cuda", unknown[i], REAL_BF16, &why)));
        assert_non_null(strstr(why, "GPU"));
    }
    assert_true(isnan(peak_of("emu", "NVIDIA H200, 139.8 GiB", REAL_BF16, &why)));
    assert_non_null(why);
    assert_true(isnan(peak_flops(device_cpu(), REAL_BF16, &why)));
    assert_non_null(strstr(why, "CPU"));
    assert_true(isnan(peak_of("cuda", "NVIDIA H200, 139.8 GiB", REAL_FP32, &why)));
    assert_non_null(strstr(why, "FP32"));
}

/* ViT-L MAE takes 123.76 GFLOP an image (test_plan.c): at 3,996 images/s half of an H100 (computed). */
static void utilisation_is_work_over_peak(void **state) {
    (void)state;
    const ModelShape large = {.image_size = 224,
                              .patch_size = 16,
                              .dim = 1024,
                              .depth = 24,
                              .heads = 16,
                              .decoder_dim = 512,
                              .decoder_depth = 8,
                              .decoder_heads = 16,
                              .mlp_ratio = 4,
                              .mask_ratio = 0.75};
    /* The work is rounded to five digits, the rate to four. */
    assert_true(fabs(flops_mfu(&large, 3996, 989e12) - 0.5) < 2e-4);
    assert_true(isnan(flops_mfu(&large, 3996, NAN)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chips_that_are_known),
        cmocka_unit_test(no_number_for_others),
        cmocka_unit_test(utilisation_is_work_over_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
