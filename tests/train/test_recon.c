/* SPDX-License-Identifier: Apache-2.0 */
/* The reconstruction image, pixel by pixel, from the model's own prediction. */
#include "image/decode.h"
#include "tests/fixtures/train_fixture.h"

#include "train/objective/recon.h"
#include "train/objective/validate.h"

#include <math.h>

enum { ROWS = 3, VALUES = PATCH * PATCH * 3 };

/* Its decoder's bias is large, so that the values within a patch differ much; its weights make patches differ. */
static Mae *lively_model(Ops *ops, bool norm_pix_loss) {
    ModelShape shape = tiny_shape(2);
    shape.norm_pix_loss = norm_pix_loss;
    Mae *mae = tiny_mae(ops, &shape);
    const Params *params = mae_params(mae);
    float *bias = params->value + params_find(params, "decoder_pred.bias")->offset;
    for (int i = 0; i < VALUES; i++)
        bias[i] = (float)(i % 7 - 3) * 0.4f;
    return mae;
}

/* Mean and scale of a patch of the image, normalised by channel: unbiased variance, over all its values. */
static void statistics(const uint8_t *image, int patch, double *mean, double *scale) {
    static const double means[3] = {0.485, 0.456, 0.406}, stds[3] = {0.229, 0.224, 0.225};
    double values[VALUES], sum = 0, squares = 0;
    for (int i = 0; i < VALUES; i++) {
        int y = patch / (SIDE / PATCH) * PATCH + i / (3 * PATCH), x = patch % (SIDE / PATCH) * PATCH + i / 3 % PATCH;
        values[i] = (image[3 * (y * SIDE + x) + i % 3] / 255.0 - means[i % 3]) / stds[i % 3];
        sum += values[i];
    }
    for (int i = 0; i < VALUES; i++)
        squares += pow(values[i] - sum / VALUES, 2);
    *mean = sum / VALUES;
    *scale = sqrt(squares / (VALUES - 1) + 1e-6);
}

/* `predicted` [1 + PATCHES][VALUES], row 0 the class token's. */
static double wanted_level(const uint8_t *image, const float *predicted, int x, int y, int c, bool norm_pix_loss) {
    static const double means[3] = {0.485, 0.456, 0.406}, stds[3] = {0.229, 0.224, 0.225};
    int patch = y / PATCH * (SIDE / PATCH) + x / PATCH;
    double mean = 0, scale = 1;
    if (norm_pix_loss)
        statistics(image, patch, &mean, &scale);
    double value = predicted[(1 + patch) * VALUES + 3 * (y % PATCH * PATCH + x % PATCH) + c] * scale + mean;
    return fmin(255, fmax(0, 255 * (value * stds[c] + means[c])));
}

static void check_row(const Image *image, const ReconLayout *layout, const EvaluationImages *images, const Mae *mae,
                      const int32_t *ids, int row, bool norm_pix_loss) {
    bool visible[PATCHES] = {false};
    for (int j = 0; j < PATCHES / 4; j++)
        visible[ids[j]] = true;
    const uint8_t *drawn = images->pixels + (size_t)row * IMAGE_BYTES;
    for (int y = 0; y < layout->tile; y++)
        for (int x = 0; x < layout->tile; x++)
            for (int c = 0; c < 3; c++) {
                int px = x / layout->scale, py = y / layout->scale, original = drawn[3 * (py * SIDE + px) + c];
                int top = row * (layout->tile + layout->gap) + y, step = layout->tile + layout->gap;
                const uint8_t *line = image->pixels + (size_t)top * (size_t)image->width * 3;
                bool seen = visible[py / PATCH * (SIDE / PATCH) + px / PATCH];
                assert_int_equal(line[3 * x + c], original);
                assert_int_equal(line[3 * (x + step) + c], seen ? original : 128);
                double wanted = seen ? original : wanted_level(drawn, mae_prediction(mae), px, py, c, norm_pix_loss);
                /* Rounded once, from FP32 against double: half a level and a little. */
                assert_true(fabs(line[3 * (x + 2 * step) + c] - wanted) < 0.51);
            }
}

static void check_image(void **state, bool norm_pix_loss) {
    char path[TEMP_PATH * 2];
    temp_path(state, norm_pix_loss ? "norm.png" : "raw.png", path);
    Ops ops;
    Mae *mae = lively_model(&ops, norm_pix_loss);
    Masks masks;
    assert_fine(masks_open(&masks, 2, PATCHES));
    EvaluationImages images = drawn_images(ROWS);
    assert_fine(recon_write(path, mae, &ops, &masks, &images, ROWS));

    Image image;
    assert_fine(image_read(path, &image));
    ReconLayout layout = recon_layout(SIDE, ROWS);
    assert_int_equal(image.width, layout.width);
    assert_int_equal(image.height, layout.height);
    assert_int_equal(image.width, 3 * layout.tile + 2 * layout.gap);
    for (int row = 0; row < ROWS; row++) {
        double loss;
        assert_fine(validate_forward(mae, &masks, &images, row, 1, &loss));
        check_row(&image, &layout, &images, mae, masks.ids, row, norm_pix_loss);
    }
    image_free(&image);
    evaluation_images_close(&images);
    masks_close(&masks);
    mae_close(mae);
}

static void patches_get_their_statistics_back(void **state) {
    check_image(state, true);
}

static void plain_predictions_are_pixels(void **state) {
    check_image(state, false);
}

static void small_images_are_enlarged(void **state) {
    (void)state;
    assert_int_equal(recon_layout(16, 1).tile, 192);
    assert_int_equal(recon_layout(96, 1).tile, 192);
    assert_int_equal(recon_layout(224, 1).tile, 224);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_get_their_statistics_back),
        cmocka_unit_test(plain_predictions_are_pixels),
        cmocka_unit_test(small_images_are_enlarged),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
