/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <stdio.h>
#include <string.h>

/* Arguments of the calls below: device memory of zeros, and lists written into it. */
enum { PLACES = 32, PLACE = 256, MESSAGES = 64 };
typedef struct {
    Check *check;
    const Backend *backend;
    Ops ops;
    unsigned char *memory;
    int places;               /* taken */
    char said[MESSAGES][200]; /* by the CPU, in order */
    int count;
} Errors;

static void expect_fine(Errors *e, Status status) {
    if (status)
        check_fail(e->check, "%s: %s", e->backend->name, status_message(status));
    status_free(status);
}

static void *put_data(Errors *e, const void *data, size_t bytes) {
    unsigned char *place = e->memory + PLACE * e->places++;
    expect_fine(e, device_write(e->backend->device, place, data, bytes));
    return place;
}

/* Takes the error, at the latest when the device is waited for, and demands its code, a piece of its message, and that
 * every backend says the same. */
static void expect_error(Errors *e, ExitCode code, const char *piece) {
    Status status = ops_error(&e->ops);
    if (!status)
        status = e->backend->device->wait(e->backend->device, NULL);
    const char *message = status_message(status);
    if (status_code(status) != code || !strstr(message, piece))
        check_fail(e->check, "%s: expected error %d with '%s', got %d '%s'", e->backend->name, code, piece,
                   status_code(status), message);
    char *said = e->said[e->count++];
    if (e->backend->device == device_cpu())
        snprintf(said, sizeof *e->said, "%s", message);
    else if (strcmp(said, message))
        check_fail(e->check, "%s says '%s', the CPU '%s'", e->backend->name, message, said);
    status_free(status);
}

static void expect_value(Errors *e, const char *what, const void *at, float want) {
    float value = 0;
    expect_fine(e, device_read(e->backend->device, &value, at, sizeof value));
    check_scalar(e->check, what, value, want, 0);
}

/* What the host sees: the first failure stays, nothing runs after it; taken, operations run again. */
static void check_host(Errors *e) {
    Ops *ops = &e->ops;
    const int32_t *good = put_data(e, (const int32_t[]){1, 0}, 2 * sizeof(int32_t));
    float *x = put_data(e, (const float[4]){0}, 4 * sizeof(float)), *y = put_data(e, (const float[]){7}, sizeof(float));
    double *loss = put_data(e, (const double[1]){0}, sizeof(double));
    ops->masked_pixel_loss(ops, &(MaskedPixelLoss){.pred = x,
                                                   .target = x,
                                                   .ids = good,
                                                   .grad_scale = 1,
                                                   .loss = loss,
                                                   .batch = 1,
                                                   .patches = 2,
                                                   .keep = 2,
                                                   .dim = 3});
    ops->embed_forward(
        ops, &(EmbedForward){
                 .x = x, .cls = x, .pos = x, .ids = good, .out = y, .batch = 1, .patches = 2, .keep = 3, .dim = 4});
    ops->gelu_forward(ops, &(GeluForward){.x = x, .act = ACTIVATION_GELU_ERF, .y = y, .count = 4});
    expect_value(e, "y after a failure", y, 7);
    expect_error(e, EXIT_INTERNAL, "none of 2 patches is hidden");
    ops->gelu_forward(ops, &(GeluForward){.x = x, .act = ACTIVATION_GELU_ERF, .y = y, .count = 4});
    expect_value(e, "y after the failure was taken", y, 0);
    expect_error(e, EXIT_OK, "");
    ops->embed_forward(
        ops, &(EmbedForward){
                 .x = x, .cls = x, .pos = x, .ids = good, .out = y, .batch = 1, .patches = 2, .keep = 3, .dim = 4});
    expect_error(e, EXIT_INTERNAL, "3 of 2 patches");
    ops->image_to_patches(
        ops, &(ImageToPatches){.image = x, .ids = good, .keep = 1, .size = 3, .patch = 2, .visible = y, .batch = 1});
    expect_error(e, EXIT_INTERNAL, "3 pixels cannot be cut into patches of 2");
}

/* Contents of the device's memory. */
static void check_findings(Errors *e) {
    Ops *ops = &e->ops;
    const int32_t *kept = put_data(e, (const int32_t[]){2, 0}, 2 * sizeof(int32_t)); /* a bad patch among the visible */
    const int32_t *hidden = put_data(e, (const int32_t[]){0, 2}, 2 * sizeof(int32_t));
    const int32_t *below = put_data(e, (const int32_t[]){-1}, sizeof(int32_t));
    const float *labels = put_data(e, (const float[]){1, 5}, 2 * sizeof(float));
    const float *between = put_data(e, (const float[]){1, 0.5f}, 2 * sizeof(float));
    const double *known = put_data(e, (const double[]){2}, sizeof(double));
    const float zero[64] = {0};
    float *x = put_data(e, zero, sizeof zero), *y = put_data(e, zero, sizeof zero), *z = put_data(e, zero, sizeof zero);
    float *pos = put_data(e, zero, sizeof zero);
    double *loss = put_data(e, zero, sizeof *loss);
    CrossEntropyLoss entropy = {.logits = x,
                                .labels = labels,
                                .weights = x,
                                .known = known,
                                .grad_scale = 1,
                                .loss = loss,
                                .batch = 2,
                                .classes = 3};
    ops->cross_entropy_loss(ops, &entropy);
    ops->embed_forward(
        ops, &(EmbedForward){
                 .x = x, .cls = x, .pos = x, .ids = kept, .out = y, .batch = 1, .patches = 2, .keep = 1, .dim = 4});
    expect_error(e, EXIT_DATA, "label 5 of sample 1");
    expect_error(e, EXIT_OK, "");
    entropy.labels = between;
    ops->cross_entropy_loss(ops, &entropy);
    expect_error(e, EXIT_DATA, "label 0.5 of sample 1");
    ops->binary_loss(ops, &(BinaryLoss){.logits = x,
                                        .labels = labels,
                                        .ordinal = true,
                                        .weights = x,
                                        .known = known,
                                        .grad_scale = 1,
                                        .loss = loss,
                                        .batch = 2,
                                        .outputs = 4});
    expect_error(e, EXIT_DATA, "binary_loss: label 5 of sample 1 is not one of 5 classes (0 .. 4)");
    ops->embed_forward(
        ops, &(EmbedForward){
                 .x = x, .cls = x, .pos = x, .ids = kept, .out = y, .batch = 1, .patches = 2, .keep = 1, .dim = 4});
    expect_error(e, EXIT_INTERNAL, "embed_forward: ids[0][0] is 2, not a patch of 0 .. 1");
    ops->embed_backward(
        ops,
        &(EmbedBackward){
            .dout = x, .ids = kept, .dx = y, .dcls = z, .dpos = pos, .batch = 1, .patches = 2, .keep = 1, .dim = 4});
    expect_error(e, EXIT_INTERNAL, "embed_backward: ids[0][0] is 2");
    ops->restore_forward(
        ops,
        &(RestoreForward){
            .x = x, .mask_token = x, .pos = x, .ids = hidden, .out = y, .batch = 1, .patches = 2, .keep = 1, .dim = 4});
    expect_error(e, EXIT_INTERNAL, "restore_forward: ids[0][1] is 2");
    ops->restore_backward(
        ops, &(RestoreBackward){
                 .dout = x, .ids = hidden, .dx = y, .dmask_token = z, .batch = 1, .patches = 2, .keep = 1, .dim = 4});
    expect_error(e, EXIT_INTERNAL, "restore_backward: ids[0][1] is 2");
    ops->masked_pixel_loss(ops, &(MaskedPixelLoss){.pred = x,
                                                   .target = x,
                                                   .ids = hidden,
                                                   .grad_scale = 1,
                                                   .loss = loss,
                                                   .batch = 1,
                                                   .patches = 2,
                                                   .keep = 1,
                                                   .dim = 3});
    expect_error(e, EXIT_INTERNAL, "masked_pixel_loss: ids[0][1] is 2");
    ops->image_to_patches(
        ops, &(ImageToPatches){.image = x, .ids = below, .keep = 1, .size = 2, .patch = 2, .visible = y, .batch = 1});
    expect_error(e, EXIT_INTERNAL, "image_to_patches: ids[0][0] is -1");
    const float none[3] = {0}, one[3] = {1, 1, 1};
    const uint8_t *pixels = put_data(e, (const uint8_t[2 * 2 * 3]){0}, 2 * 2 * 3);
    const int32_t *first = put_data(e, zero, sizeof(int32_t));
    ImageSet images = {.pixels = pixels, .count = 1, .height = 2, .width = 2};
    static const struct {
        Crop crop;
        const char *message;
    } crops[] = {
        {{.top = 1, .height = 2, .width = 2},
         "the crop of 2 x 2 pixels at row 1, column 0 is not inside the image of 2 x 2"},
        {{.left = 1, .height = 2, .width = 2}, "the crop of 2 x 2 pixels at row 0, column 1"},
        {{.top = -1, .height = 2, .width = 2}, "the crop of 2 x 2 pixels at row -1, column 0"},
        {{.left = -1, .height = 2, .width = 2}, "the crop of 2 x 2 pixels at row 0, column -1"},
        {{.height = 0, .width = 2}, "the crop of 0 x 2 pixels"},
        {{.height = 2, .width = 0}, "the crop of 2 x 0 pixels"},
    };
    for (size_t i = 0; i < sizeof crops / sizeof *crops; i++) {
        images.crops = put_data(e, &crops[i].crop, sizeof crops[i].crop);
        ops->pixels_to_patches(ops, &(PixelsToPatches){.images = &images,
                                                       .ids = first,
                                                       .keep = 1,
                                                       .mean = none,
                                                       .std = one,
                                                       .size = 2,
                                                       .patch = 2,
                                                       .visible = y,
                                                       .batch = 1});
        expect_error(e, EXIT_INTERNAL, crops[i].message);
    }
    images.crops = NULL;
    images.which = put_data(e, &(const int32_t){1}, sizeof(int32_t));
    ops->pixels_to_patches(ops, &(PixelsToPatches){.images = &images,
                                                   .ids = first,
                                                   .keep = 1,
                                                   .mean = none,
                                                   .std = one,
                                                   .size = 2,
                                                   .patch = 2,
                                                   .visible = y,
                                                   .batch = 1});
    expect_error(e, EXIT_INTERNAL, "pixels_to_patches: sample 0 sees image 1, not one of 0 .. 0");
    images.which = put_data(e, &(const int32_t){-1}, sizeof(int32_t));
    images.height = 1;
    ops->pixels_to_patches(ops, &(PixelsToPatches){.images = &images,
                                                   .ids = first,
                                                   .keep = 1,
                                                   .mean = none,
                                                   .std = one,
                                                   .size = 2,
                                                   .patch = 2,
                                                   .visible = y,
                                                   .batch = 1});
    expect_error(e, EXIT_INTERNAL, "pixels_to_patches: sample 0 sees image -1, not one of 0 .. 0");
}

/* The same bad label and patch in rows of every length that has a kernel of its own: the sample has no gradient. */
static void check_lengths(Errors *e) {
    Ops *ops = &e->ops;
    const float zero[64] = {0};
    const int32_t *hidden = put_data(e, (const int32_t[]){0, 2}, 2 * sizeof(int32_t));
    const float *labels[] = {put_data(e, (const float[]){-1}, sizeof(float)),
                             put_data(e, (const float[]){8}, sizeof(float))};
    const double *known = put_data(e, (const double[]){1}, sizeof(double));
    float *x = put_data(e, zero, sizeof zero), *y = put_data(e, zero, sizeof zero), *z = put_data(e, zero, sizeof zero);
    float *gradient = put_data(e, zero, sizeof zero);
    double *loss = put_data(e, zero, sizeof *loss);
    static const int lengths[] = {3, 8};
    for (int i = 0; i < 4; i++) {
        const int length = lengths[i % 2];
        ops->type = i < 2 ? REAL_FP32 : REAL_BF16;
        for (int way = 0; way < 4; way++) {
            expect_fine(e, device_write(e->backend->device, gradient, &(const float){7}, sizeof *gradient));
            ops->cross_entropy_loss(ops, &(CrossEntropyLoss){.logits = x,
                                                             .labels = labels[way % 2],
                                                             .weights = x,
                                                             .known = known,
                                                             .grad_scale = 1,
                                                             .loss = loss,
                                                             .dlogits = way < 2 ? gradient : NULL,
                                                             .batch = 1,
                                                             .classes = length});
            expect_error(e, EXIT_DATA, way % 2 ? "label 8 of sample 0" : "label -1 of sample 0");
            if (e->backend->device != device_cpu()) /* which stops at the label */
                expect_value(e, "the gradient of a sample with a bad label", gradient, way < 2 ? 0 : 7);
        }
        ops->restore_forward(ops, &(RestoreForward){.x = x,
                                                    .mask_token = z,
                                                    .pos = z,
                                                    .ids = hidden,
                                                    .out = y,
                                                    .batch = 1,
                                                    .patches = 2,
                                                    .keep = 1,
                                                    .dim = length});
        expect_error(e, EXIT_INTERNAL, "restore_forward: ids[0][1] is 2");
        ops->restore_backward(ops, &(RestoreBackward){.dout = x,
                                                      .ids = hidden,
                                                      .dx = y,
                                                      .dmask_token = z,
                                                      .batch = 1,
                                                      .patches = 2,
                                                      .keep = 1,
                                                      .dim = length});
        expect_error(e, EXIT_INTERNAL, "restore_backward: ids[0][1] is 2");
        ops->masked_pixel_loss(ops, &(MaskedPixelLoss){.pred = x,
                                                       .target = z,
                                                       .ids = hidden,
                                                       .grad_scale = 1,
                                                       .loss = loss,
                                                       .batch = 1,
                                                       .patches = 2,
                                                       .keep = 1,
                                                       .dim = length});
        expect_error(e, EXIT_INTERNAL, "masked_pixel_loss: ids[0][1] is 2");
    }
    ops->type = REAL_FP32;
}

static void check_backend(Errors *e) {
    const Device *device = e->backend->device;
    device->operations(device, 1, &e->ops);
    void (*const parts[])(Errors *) = {check_host, check_findings, check_lengths};
    e->count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !e->check->failed; i++) {
        void *memory;
        expect_fine(e, device->allocate(device, PLACES * PLACE, "the checks", &memory));
        if (e->check->failed)
            return;
        e->memory = memory;
        e->places = 0;
        parts[i](e);
        device->release(device, memory);
    }
}

static void expect_bad_crop(Check *check, Crop crop, int out) {
    uint8_t pixels[4 * 4 * 3] = {0}, resized[4 * 4 * 3];
    Status status = resize_pixels(pixels, 4, 4, crop, out, out, resized);
    if (status_code(status) != EXIT_INTERNAL || !strstr(status_message(status), "resize_pixels"))
        check_fail(check, "resize_pixels took a bad crop: %s", status_message(status));
    status_free(status);
}

/* The CPU sees the segments before it starts. */
static void expect_bad_segment(Check *check) {
    float memory[4] = {0};
    const float norm = 1;
    const AdamwValues values = {.bias1 = 1, .bias2 = 1};
    const AdamwSegment segments[] = {{.offset = 0, .count = 2}, {.offset = 2, .count = 3}};
    Ops ops;
    ops_cpu(&ops, 1);
    ops.adamw(&ops, &(Adamw){.param = memory,
                             .grad = memory,
                             .m = memory,
                             .v = memory,
                             .count = 4,
                             .segments = segments,
                             .segment_count = 2,
                             .values = &values,
                             .norm = &norm});
    Status status = ops_error(&ops);
    if (status_code(status) != EXIT_INTERNAL || !strstr(status_message(status), "segment 1"))
        check_fail(check, "adamw took a bad segment: %s", status_message(status));
    status_free(status);
}

void check_errors(Check *check) {
    check_once(check);
    Errors errors = {.check = check};
    for (int i = 0; i < BACKENDS && !check->failed; i++) {
        errors.backend = &check->backends->of[i];
        if (errors.backend->device)
            check_backend(&errors);
    }
    expect_bad_crop(check, (Crop){.height = 5, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.left = 1, .height = 4, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.left = -1, .height = 4, .width = 4}, 4);
    expect_bad_crop(check, (Crop){.height = 4, .width = 0}, 4);
    expect_bad_crop(check, (Crop){.height = 4, .width = 4}, 0);
    expect_bad_segment(check);
}
