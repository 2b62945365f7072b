/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <string.h>

const float image_mean[3] = {0.485f, 0.456f, 0.406f};
const float image_std[3] = {0.229f, 0.224f, 0.225f};

Status model_check(const ModelShape *shape, bool mae) {
    if (shape->patch_size < 1 || shape->image_size < 1 || shape->image_size % shape->patch_size)
        return status_error(EXIT_USAGE, "images of %d pixels cannot be cut into patches of %d: not a multiple",
                            shape->image_size, shape->patch_size);
    if (shape->activation == ACTIVATION_NONE)
        return status_error(EXIT_USAGE, "the model's MLPs need an activation");
    if (shape->depth < 1 || shape->batch < 1)
        return status_error(EXIT_USAGE, "the model needs at least one block and one sample a batch");
    if (shape->heads < 1 || shape->dim % shape->heads || shape->dim % 4)
        return status_error(EXIT_USAGE, "the encoder's dimension %d must be a multiple of its %d heads and of 4",
                            shape->dim, shape->heads);
    if (shape->drop_path < 0 || shape->drop_path >= 1)
        return status_error(EXIT_USAGE, "drop-path's probability is %g, not from 0 to below 1", shape->drop_path);
    if (shape->frozen < 0 || shape->frozen > shape->depth + 1)
        return status_error(EXIT_USAGE, "of %d blocks %d cannot be frozen", shape->depth, shape->frozen);
    if (!mae)
        return shape_outputs(shape) >= 1
                   ? NULL
                   : status_error(EXIT_USAGE, "%d classes leave the head without an output", shape->classes);
    if (shape->decoder_depth < 1)
        return status_error(EXIT_USAGE, "the decoder needs at least one block");
    if (shape->decoder_heads < 1 || shape->decoder_dim % shape->decoder_heads || shape->decoder_dim % 4)
        return status_error(EXIT_USAGE, "the decoder's dimension %d must be a multiple of its %d heads and of 4",
                            shape->decoder_dim, shape->decoder_heads);
    int patches = shape_patches(shape), keep = (int)(patches * (1 - shape->mask_ratio));
    if (keep < 1 || keep >= patches)
        return status_error(EXIT_USAGE,
                            "a mask ratio of %g keeps %d of %d patches: at least one must stay visible and one hidden",
                            shape->mask_ratio, keep, patches);
    return NULL;
}

Status model_read(const Ops *ops, const Real *values, size_t count, float *out) {
    if (ops->type == REAL_FP32)
        return device_read(ops->device, out, values, count * sizeof *out);
    /* The upper half of `out` takes the BF16, which is widened from the front: no value is overwritten unread. */
    uint16_t *narrow = (uint16_t *)out + count;
    TRY(device_read(ops->device, narrow, values, count * sizeof *narrow));
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, narrow + i, sizeof half);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
    return NULL;
}
