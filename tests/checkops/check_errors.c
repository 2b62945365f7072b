#include "checkops.h"

#include <math.h>
#include <string.h>

/* Takes the error and demands its code and a piece of its message. */
static void expect(Check *check, ExitCode code, const char *piece) {
    Status status = ops_error(&check->ops);
    if (status_code(status) != code || !strstr(status_message(status), piece))
        check_fail(check, "expected error %d with '%s', got %d '%s'", code, piece, status_code(status),
                   status_message(status));
    status_free(status);
}

static void expect_bad_crop(Check *check, Crop crop, int out) {
    uint8_t pixels[4 * 4 * 3] = {0}, resized[4 * 4 * 3];
    check->ops.error = check->ops.resize_pixels(pixels, 4, 4, crop, out, out, resized);
    expect(check, EXIT_INTERNAL, "resize_pixels");
}

void check_errors(Check *check) {
    Ops *ops = &check->ops;
    float x[64] = {0}, y[64];
    double loss = 0;
    const int32_t ids[2] = {0, 2}, good[2] = {1, 0}, labels[2] = {1, 5};
    ops->cross_entropy_loss(ops, x, labels, 0, 1, &loss, NULL, 2, 3);
    /* The first failure stays; nothing runs after it. */
    ops->embed_forward(ops, x, x, x, ids, y, 1, 2, 1, 4);
    y[0] = 7;
    ops->gelu_forward(ops, x, ACTIVATION_GELU_ERF, y, 4);
    check_scalar(check, "y after a failure", y[0], 7, 0);
    expect(check, EXIT_DATA, "label 5 of sample 1");
    /* Taken, operations run again. */
    ops->gelu_forward(ops, x, ACTIVATION_GELU_ERF, y, 4);
    check_scalar(check, "y after the failure was taken", y[0], 0, 0);
    expect(check, EXIT_OK, "");
    ops->embed_forward(ops, x, x, x, ids, y, 1, 2, 1, 4);
    expect(check, EXIT_INTERNAL, "embed_forward: ids[0][1] is 2");
    ops->embed_backward(ops, x, ids, y, y + 16, NULL, false, 1, 2, 1, 4);
    expect(check, EXIT_INTERNAL, "embed_backward");
    ops->restore_forward(ops, x, x, x, ids, y, 1, 2, 1, 4);
    expect(check, EXIT_INTERNAL, "restore_forward");
    ops->restore_backward(ops, x, ids, y, y + 16, false, 1, 2, 1, 4);
    expect(check, EXIT_INTERNAL, "restore_backward");
    ops->masked_pixel_loss(ops, x, x, ids, false, 1, &loss, NULL, 1, 2, 1, 3);
    expect(check, EXIT_INTERNAL, "masked_pixel_loss");
    ops->masked_pixel_loss(ops, x, x, good, false, 1, &loss, NULL, 1, 2, 2, 3);
    expect(check, EXIT_INTERNAL, "none of 2 patches is hidden");
    ops->embed_forward(ops, x, x, x, good, y, 1, 2, 3, 4);
    expect(check, EXIT_INTERNAL, "3 of 2 patches");
    ops->image_to_patches(ops, x, good, 1, 3, 2, y, NULL, 1);
    expect(check, EXIT_INTERNAL, "3 pixels cannot be cut into patches of 2");
    const float none[3] = {0}, one[3] = {1, 1, 1};
    uint8_t pixels[2 * 2 * 3] = {0};
    const Crop outside = {.top = 1, .height = 2, .width = 2};
    const int32_t first = 0;
    ops->pixels_to_patches(ops, pixels, 2, 2, &outside, &first, 1, none, one, 2, 2, y, NULL, 1);
    expect(check, EXIT_INTERNAL, "crop of 2 x 2 pixels at row 1");
    expect_bad_crop(check, (Crop){.height = 5, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.left = 1, .height = 4, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.left = -1, .height = 4, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.height = 4, .width = 0}, 4);
    expect_bad_crop(check, (Crop){.height = 4, .width = 4}, 0);
}
