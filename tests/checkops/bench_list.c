/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/bench.h"

#include <stddef.h>

/* The calls. Pools 0 .. 3 are read, 4 and 5 written, 6 and 7 are statistics; pool 7 is positive. Each function returns
 * the cost of its call. */

/* Calls an operation with these arguments. */
#define CALL(operation, Arguments, ...)                                                                                \
    const Arguments a = {__VA_ARGS__};                                                                                 \
    b->ops.operation(&b->ops, &a);                                                                                     \
    return cost_##operation(&a, b->ops.type)

static const int32_t *ids_of(const Bed *bed, int patches) {
    return bed->ids[patches == 196];
}

static OpCost linear_forward(Bed *b, const int *n) {
    CALL(linear_forward, LinearForward, .x = b->pool[0], .w = b->pool[1], .bias = b->pool[2], .act = n[3],
         .pre = b->pool[3], .y = b->pool[4], .rows = n[0], .in = n[1], .out = n[2]);
}
static OpCost linear_backward_input(Bed *b, const int *n) {
    CALL(linear_backward_input, LinearBackwardInput, .dy = b->pool[0], .w = b->pool[1], .act = n[3], .pre = b->pool[3],
         .dx = b->pool[4], .rows = n[0], .in = n[1], .out = n[2]);
}
static OpCost linear_backward_weight(Bed *b, const int *n) {
    CALL(linear_backward_weight, LinearBackwardWeight, .dy = b->pool[0], .x = b->pool[1], .dw = b->pool[5],
         .dbias = b->pool[6], .rows = n[0], .in = n[1], .out = n[2]);
}
static OpCost norm_forward(Bed *b, const int *n) {
    CALL(norm_forward, NormForward, .x = b->pool[0], .branch = b->pool[1], .rows_per_sample = 1, .weight = b->pool[2],
         .bias = b->pool[3], .eps = 1e-6f, .sum = b->pool[4], .y = b->pool[5], .mean = b->pool[6], .rstd = b->pool[7],
         .rows = n[0], .dim = n[1]);
}
static OpCost norm_backward(Bed *b, const int *n) {
    float *sums = b->pool[5];
    CALL(norm_backward, NormBackward, .dy = b->pool[0], .dsum = b->pool[1], .sum = b->pool[2], .mean = b->pool[6],
         .rstd = b->pool[7], .weight = b->pool[3], .rows_per_sample = 1, .dx = b->pool[4], .dweight = sums,
         .dbias = sums + n[1], .rows = n[0], .dim = n[1]);
}
static OpCost branch_backward(Bed *b, const int *n) {
    CALL(branch_backward, BranchBackward, .dx = b->pool[0], .branch = b->pool[1], .scale = b->pool[2],
         .dbranch = b->pool[4], .dscale = b->pool[5], .rows = n[0], .dim = n[1]);
}
static OpCost attention_forward(Bed *b, const int *n) {
    CALL(attention_forward, AttentionForward, .qkv = b->pool[0], .out = b->pool[5], .lse = b->pool[6], .batch = n[0],
         .tokens = n[1], .heads = n[2], .head = n[3]);
}
static OpCost attention_backward(Bed *b, const int *n) {
    CALL(attention_backward, AttentionBackward, .dout = b->pool[1], .qkv = b->pool[0], .out = b->pool[5],
         .lse = b->pool[6], .dqkv = b->pool[4], .batch = n[0], .tokens = n[1], .heads = n[2], .head = n[3]);
}
static OpCost gelu_forward(Bed *b, const int *n) {
    CALL(gelu_forward, GeluForward, .x = b->pool[0], .act = n[2], .y = b->pool[4], .count = (size_t)n[0] * n[1]);
}
static OpCost gelu_backward(Bed *b, const int *n) {
    CALL(gelu_backward, GeluBackward, .dy = b->pool[1], .x = b->pool[0], .act = n[2], .dx = b->pool[4],
         .count = (size_t)n[0] * n[1]);
}
static OpCost pixels_to_patches(Bed *b, const int *n) { /* images come at that size */
    static const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.25f, 0.25f, 0.25f};
    const int across = n[1] / n[2];
    const ImageSet images = {.pixels = b->bytes, .count = n[0], .height = n[1], .width = n[1]};
    CALL(pixels_to_patches, PixelsToPatches, .images = &images, .ids = ids_of(b, across * across), .keep = n[3],
         .mean = mean, .std = std, .size = n[1], .patch = n[2], .visible = b->pool[4], .target = b->pool[5],
         .batch = n[0]);
}
static OpCost image_to_patches(Bed *b, const int *n) {
    const int across = n[1] / n[2];
    CALL(image_to_patches, ImageToPatches, .image = b->pool[0], .ids = ids_of(b, across * across), .keep = n[3],
         .size = n[1], .patch = n[2], .visible = b->pool[4], .target = b->pool[5], .batch = n[0]);
}
static OpCost embed_forward(Bed *b, const int *n) {
    CALL(embed_forward, EmbedForward, .x = b->pool[0], .cls = b->pool[1], .pos = b->pool[2], .ids = ids_of(b, n[1]),
         .out = b->pool[4], .batch = n[0], .patches = n[1], .keep = n[2], .dim = n[3]);
}
static OpCost embed_backward(Bed *b, const int *n) {
    CALL(embed_backward, EmbedBackward, .dout = b->pool[0], .ids = ids_of(b, n[1]), .dx = b->pool[4],
         .dcls = b->pool[5], .batch = n[0], .patches = n[1], .keep = n[2], .dim = n[3]);
}
static OpCost restore_forward(Bed *b, const int *n) {
    CALL(restore_forward, RestoreForward, .x = b->pool[0], .mask_token = b->pool[1], .pos = b->pool[2],
         .ids = ids_of(b, n[1]), .out = b->pool[4], .batch = n[0], .patches = n[1], .keep = n[2], .dim = n[3]);
}
static OpCost restore_backward(Bed *b, const int *n) {
    CALL(restore_backward, RestoreBackward, .dout = b->pool[0], .ids = ids_of(b, n[1]), .dx = b->pool[4],
         .dmask_token = b->pool[5], .batch = n[0], .patches = n[1], .keep = n[2], .dim = n[3]);
}
static OpCost pool_forward(Bed *b, const int *n) {
    CALL(pool_forward, PoolForward, .x = b->pool[0], .branch = b->pool[1], .y = b->pool[4], .batch = n[0],
         .tokens = n[1], .dim = n[2]);
}
static OpCost pool_backward(Bed *b, const int *n) {
    CALL(pool_backward, PoolBackward, .dy = b->pool[0], .dx = b->pool[4], .batch = n[0], .tokens = n[1], .dim = n[2]);
}
static OpCost masked_pixel_loss(Bed *b, const int *n) {
    CALL(masked_pixel_loss, MaskedPixelLoss, .pred = b->pool[0], .target = b->pool[1], .ids = ids_of(b, n[1]),
         .normalise = true, .grad_scale = 1, .loss = b->result, .dpred = b->pool[4], .batch = n[0], .patches = n[1],
         .keep = n[2], .dim = n[3]);
}
static OpCost cross_entropy_loss(Bed *b, const int *n) {
    CALL(cross_entropy_loss, CrossEntropyLoss, .logits = b->pool[0], .labels = b->labels, .weights = b->pool[7],
         .known = b->known, .smoothing = 0.1f, .grad_scale = 1, .loss = b->result, .dlogits = b->pool[4], .batch = n[0],
         .classes = n[1]);
}
static OpCost binary_loss(Bed *b, const int *n) {
    CALL(binary_loss, BinaryLoss, .logits = b->pool[0], .labels = b->pool[1], .weights = b->pool[7], .known = b->known,
         .grad_scale = 1, .loss = b->result, .dlogits = b->pool[4], .batch = n[0], .outputs = n[1]);
}
static OpCost regression_loss(Bed *b, const int *n) {
    CALL(regression_loss, RegressionLoss, .pred = b->pool[0], .target = b->pool[1], .known = b->known, .grad_scale = 1,
         .loss = b->result, .dpred = b->pool[4], .batch = n[0], .outputs = n[1]);
}
static OpCost global_norm(Bed *b, const int *n) {
    CALL(global_norm, GlobalNorm, .x = b->pool[0], .count = n[0], .norm = b->result);
}
static OpCost find_nonfinite(Bed *b, const int *n) {
    CALL(find_nonfinite, FindNonfinite, .x = b->pool[0], .type = REAL_FP32, .count = n[0], .first = b->result);
}
static OpCost summarise_tensor(Bed *b, const int *n) {
    CALL(summarise_tensor, SummariseTensor, .x = b->pool[0], .type = b->ops.type, .count = n[0], .summary = b->result);
}
static OpCost summarise_update(Bed *b, const int *n) {
    CALL(summarise_update, SummariseUpdate, .param = b->pool[0], .m = b->pool[1], .v = b->pool[7], .count = n[0],
         .segments = b->segment, .segment_count = 1, .values = b->values, .norm = b->norm, .summary = b->result);
}
static OpCost count_idle_units(Bed *b, const int *n) {
    CALL(count_idle_units, CountIdleUnits, .x = b->pool[0], .rows = n[0], .columns = n[1], .idle = b->result);
}
static OpCost count_attention_peaks(Bed *b, const int *n) {
    CALL(count_attention_peaks, CountAttentionPeaks, .qkv = b->pool[0], .lse = b->pool[7], .batch = n[0],
         .tokens = n[1], .heads = n[2], .head = n[3], .peaks = b->pool[6]);
}
static OpCost adamw(Bed *b, const int *n) {
    CALL(adamw, Adamw, .param = b->pool[4], .rounded = b->ops.type == REAL_BF16 ? b->pool[3] : NULL, .grad = b->pool[1],
         .m = b->pool[5], .v = b->pool[7], .count = n[0], .segments = b->segment, .segment_count = 1,
         .values = b->values, .norm = b->norm);
}
static OpCost cast_to_bf16(Bed *b, const int *n) {
    CALL(cast_to_bf16, CastToBf16, .x = b->pool[0], .y = b->pool[5], .count = n[0]);
}
static OpCost cast_from_bf16(Bed *b, const int *n) {
    CALL(cast_from_bf16, CastFromBf16, .x = b->pool[0], .y = b->pool[5], .count = n[0]);
}
static OpCost quantise_fp8(Bed *b, const int *n) {
    CALL(quantise_fp8, QuantiseFp8, .x = b->pool[0], .scale = b->scale[FP8_E4M3], .y = b->pool[5],
         .transposed = n[2] ? b->pool[4] : NULL, .rows = n[0], .columns = n[1]);
}
/* n: rows, in, out, as the linear layers' */
static OpCost linear_forward_fp8(Bed *b, const int *n) {
    CALL(linear_forward_fp8, LinearForwardFp8, .x = b->pool[0], .x_scale = b->scale[FP8_E4M3], .w = b->pool[1],
         .w_scale = b->scale[FP8_E4M3], .bias = b->pool[2], .y = b->pool[4], .rows = n[0], .in = n[1], .out = n[2]);
}
static OpCost linear_backward_input_fp8(Bed *b, const int *n) {
    CALL(linear_backward_input_fp8, LinearBackwardInputFp8, .dy = b->pool[0], .dy_scale = b->scale[FP8_E5M2],
         .w_transposed = b->pool[1], .w_scale = b->scale[FP8_E4M3], .dx = b->pool[4], .rows = n[0], .in = n[1],
         .out = n[2]);
}

/* Images of one height and width to another: the host's, whatever the backend. n: height and width, size */
static OpCost resize_image(Bed *b, const int *n) {
    const Crop crop = {.top = 3, .left = 5, .height = n[0] - 7, .width = n[0] - 9, .flip = true};
    b->ops.error = resize_pixels(b->bytes, n[0], n[0], crop, n[1], n[1], b->pool[5]);
    return cost_bytes(3.0 * n[0] * n[0] + 3.0 * n[1] * n[1]);
}

#define GELU ACTIVATION_GELU_ERF
/* The shapes of ViT-Tiny MAE at 96 px and batch 64, some of ViT-Base's, and, for GPUs, those of ViT-Large MAE at a
 * micro-batch of 168: an encoder of 50 tokens, dim 1024, 16 heads of 64, a decoder of 197 tokens, dim 512, 16 heads of
 * 32. */
const Bench benches[] = {
    {"linear_forward", linear_forward, {640, 192, 576, 0}, 12, false},
    {"linear_forward", linear_forward, {640, 192, 192, 0}, 12, false},
    {"linear_forward", linear_forward, {640, 192, 768, GELU}, 12, false},
    {"linear_forward", linear_forward, {640, 768, 192, 0}, 12, false},
    {"linear_forward", linear_forward, {2368, 96, 288, 0}, 4, false},
    {"linear_forward", linear_forward, {2368, 96, 96, 0}, 4, false},
    {"linear_forward", linear_forward, {2368, 96, 384, GELU}, 4, false},
    {"linear_forward", linear_forward, {2368, 384, 96, 0}, 4, false},
    {"linear_forward", linear_forward, {2368, 96, 768, 0}, 1, false},
    {"linear_forward", linear_forward, {576, 768, 192, 0}, 1, false},
    {"linear_forward", linear_forward, {640, 192, 96, 0}, 1, false},
    {"linear_forward", linear_forward, {3200, 768, 3072, GELU}, 0, false},
    {"linear_forward", linear_forward, {3200, 3072, 768, 0}, 0, false},
    {"linear_forward", linear_forward, {8400, 1024, 3072}, 0, true},
    {"linear_forward", linear_forward, {8400, 1024, 1024}, 0, true},
    {"linear_forward", linear_forward, {8400, 1024, 4096, GELU}, 0, true},
    {"linear_forward", linear_forward, {8400, 4096, 1024}, 0, true},
    {"linear_forward", linear_forward, {33096, 512, 1536}, 0, true},
    {"linear_forward", linear_forward, {33096, 512, 2048, GELU}, 0, true},
    {"linear_forward", linear_forward, {33096, 2048, 512}, 0, true},
    {"linear_backward_input", linear_backward_input, {640, 192, 576, 0}, 12, false},
    {"linear_backward_input", linear_backward_input, {640, 192, 192, 0}, 12, false},
    {"linear_backward_input", linear_backward_input, {640, 192, 768, 0}, 12, false},
    {"linear_backward_input", linear_backward_input, {640, 768, 192, GELU}, 12, false},
    {"linear_backward_input", linear_backward_input, {2368, 96, 288, 0}, 4, false},
    {"linear_backward_input", linear_backward_input, {2368, 96, 96, 0}, 4, false},
    {"linear_backward_input", linear_backward_input, {2368, 96, 384, 0}, 4, false},
    {"linear_backward_input", linear_backward_input, {2368, 384, 96, GELU}, 4, false},
    {"linear_backward_input", linear_backward_input, {2368, 96, 768, 0}, 1, false},
    {"linear_backward_input", linear_backward_input, {640, 192, 96, 0}, 1, false},
    {"linear_backward_input", linear_backward_input, {3200, 3072, 768, GELU}, 0, false},
    {"linear_backward_input", linear_backward_input, {8400, 1024, 3072}, 0, true},
    {"linear_backward_input", linear_backward_input, {8400, 4096, 1024, GELU}, 0, true},
    {"linear_backward_input", linear_backward_input, {33096, 512, 1536}, 0, true},
    {"linear_backward_input", linear_backward_input, {33096, 2048, 512, GELU}, 0, true},
    {"linear_backward_weight", linear_backward_weight, {640, 192, 576}, 12, false},
    {"linear_backward_weight", linear_backward_weight, {640, 192, 192}, 12, false},
    {"linear_backward_weight", linear_backward_weight, {640, 192, 768}, 12, false},
    {"linear_backward_weight", linear_backward_weight, {640, 768, 192}, 12, false},
    {"linear_backward_weight", linear_backward_weight, {2368, 96, 288}, 4, false},
    {"linear_backward_weight", linear_backward_weight, {2368, 96, 96}, 4, false},
    {"linear_backward_weight", linear_backward_weight, {2368, 96, 384}, 4, false},
    {"linear_backward_weight", linear_backward_weight, {2368, 384, 96}, 4, false},
    {"linear_backward_weight", linear_backward_weight, {2368, 96, 768}, 1, false},
    {"linear_backward_weight", linear_backward_weight, {576, 768, 192}, 1, false},
    {"linear_backward_weight", linear_backward_weight, {640, 192, 96}, 1, false},
    {"linear_backward_weight", linear_backward_weight, {3200, 768, 3072}, 0, false},
    {"linear_backward_weight", linear_backward_weight, {8400, 1024, 3072}, 0, true},
    {"linear_backward_weight", linear_backward_weight, {8400, 1024, 4096}, 0, true},
    {"linear_backward_weight", linear_backward_weight, {33096, 512, 1536}, 0, true},
    {"linear_backward_weight", linear_backward_weight, {33096, 512, 2048}, 0, true},
    {"norm_forward", norm_forward, {640, 192}, 25, false},
    {"norm_forward", norm_forward, {2368, 96}, 9, false},
    {"norm_forward", norm_forward, {3200, 768}, 0, false},
    {"norm_forward", norm_forward, {8400, 1024}, 0, true},
    {"norm_forward", norm_forward, {33096, 512}, 0, true},
    {"norm_backward", norm_backward, {640, 192}, 25, false},
    {"norm_backward", norm_backward, {2368, 96}, 9, false},
    {"norm_backward", norm_backward, {3200, 768}, 0, false},
    {"norm_backward", norm_backward, {8400, 1024}, 0, true},
    {"norm_backward", norm_backward, {33096, 512}, 0, true},
    {"branch_backward", branch_backward, {2368, 192}, 0, false},
    {"branch_backward", branch_backward, {168 * 197, 1024}, 0, true},
    {"attention_forward", attention_forward, {64, 10, 3, 64}, 12, false},
    {"attention_forward", attention_forward, {64, 37, 3, 32}, 4, false},
    {"attention_forward", attention_forward, {64, 50, 12, 64}, 0, false},
    {"attention_forward", attention_forward, {16, 197, 16, 32}, 0, false},
    {"attention_forward", attention_forward, {8, 257, 16, 80}, 0, false},
    {"attention_forward", attention_forward, {168, 50, 16, 64}, 0, true},
    {"attention_forward", attention_forward, {168, 197, 16, 32}, 0, true},
    {"attention_backward", attention_backward, {64, 10, 3, 64}, 12, false},
    {"attention_backward", attention_backward, {64, 37, 3, 32}, 4, false},
    {"attention_backward", attention_backward, {64, 50, 12, 64}, 0, false},
    {"attention_backward", attention_backward, {16, 197, 16, 32}, 0, false},
    {"attention_backward", attention_backward, {8, 257, 16, 80}, 0, false},
    {"attention_backward", attention_backward, {168, 50, 16, 64}, 0, true},
    {"attention_backward", attention_backward, {168, 197, 16, 32}, 0, true},
    {"gelu_forward", gelu_forward, {640, 768, GELU}, 0, false},
    {"gelu_forward", gelu_forward, {640, 768, ACTIVATION_GELU_TANH}, 0, false},
    {"gelu_forward", gelu_forward, {8400, 4096, GELU}, 0, true},
    {"gelu_forward", gelu_forward, {8400, 4096, ACTIVATION_GELU_TANH}, 0, true},
    {"gelu_backward", gelu_backward, {640, 768, GELU}, 0, false},
    {"gelu_backward", gelu_backward, {640, 768, ACTIVATION_GELU_TANH}, 0, false},
    {"gelu_backward", gelu_backward, {8400, 4096, GELU}, 0, true},
    {"gelu_backward", gelu_backward, {8400, 4096, ACTIVATION_GELU_TANH}, 0, true},
    {"resize_pixels", resize_image, {128, 96}, 0, false},
    {"resize_pixels", resize_image, {256, 96}, 0, false},
    {"resize_pixels", resize_image, {256, 224}, 0, false},
    {"resize_pixels", resize_image, {512, 224}, 0, false},
    {"resize_pixels", resize_image, {2048, 256}, 0, false},
    {"pixels_to_patches", pixels_to_patches, {64, 96, 16, 9}, 1, false},
    {"pixels_to_patches", pixels_to_patches, {168, 224, 16, 49}, 0, true},
    {"image_to_patches", image_to_patches, {64, 96, 16, 9}, 0, false},
    {"image_to_patches", image_to_patches, {168, 224, 16, 49}, 0, true},
    {"embed_forward", embed_forward, {64, 36, 9, 192}, 1, false},
    {"embed_forward", embed_forward, {168, 196, 49, 1024}, 0, true},
    {"embed_backward", embed_backward, {64, 36, 9, 192}, 1, false},
    {"embed_backward", embed_backward, {168, 196, 49, 1024}, 0, true},
    {"restore_forward", restore_forward, {64, 36, 9, 96}, 1, false},
    {"restore_forward", restore_forward, {168, 196, 49, 512}, 0, true},
    {"restore_backward", restore_backward, {64, 36, 9, 96}, 1, false},
    {"restore_backward", restore_backward, {168, 196, 49, 512}, 0, true},
    {"pool_forward", pool_forward, {64, 37, 192}, 0, false},
    {"pool_forward", pool_forward, {168, 197, 1024}, 0, true},
    {"pool_backward", pool_backward, {64, 37, 192}, 0, false},
    {"pool_backward", pool_backward, {168, 197, 1024}, 0, true},
    {"masked_pixel_loss", masked_pixel_loss, {64, 36, 9, 768}, 1, false},
    {"masked_pixel_loss", masked_pixel_loss, {168, 196, 49, 768}, 0, true},
    {"cross_entropy_loss", cross_entropy_loss, {64, 1000}, 0, false},
    {"binary_loss", binary_loss, {1024, 8}, 0, false},
    {"regression_loss", regression_loss, {1024, 8}, 0, false},
    {"global_norm", global_norm, {6000000}, 1, false},
    {"global_norm", global_norm, {100000000}, 0, true},
    {"find_nonfinite", find_nonfinite, {6000000}, 0, false},
    {"find_nonfinite", find_nonfinite, {100000000}, 0, true},
    {"summarise_tensor", summarise_tensor, {6000000}, 0, false},
    {"summarise_tensor", summarise_tensor, {100000000}, 0, true},
    {"summarise_update", summarise_update, {6000000}, 0, false},
    {"summarise_update", summarise_update, {100000000}, 0, true},
    {"count_idle_units", count_idle_units, {640, 768}, 0, false},
    {"count_idle_units", count_idle_units, {8400, 4096}, 0, true},
    {"count_attention_peaks", count_attention_peaks, {64, 10, 3, 64}, 0, false},
    {"count_attention_peaks", count_attention_peaks, {8, 257, 16, 80}, 0, false},
    {"count_attention_peaks", count_attention_peaks, {8, 1025, 16, 64}, 0, true},
    {"adamw", adamw, {6000000}, 1, false},
    {"adamw", adamw, {100000000}, 0, true},
    {"cast_to_bf16", cast_to_bf16, {6000000}, 0, false},
    {"cast_to_bf16", cast_to_bf16, {100000000}, 0, true},
    {"cast_from_bf16", cast_from_bf16, {6000000}, 0, false},
    {"cast_from_bf16", cast_from_bf16, {100000000}, 0, true},
    {"quantise_fp8", quantise_fp8, {6000, 1000, 1}, 0, false},
    {"quantise_fp8", quantise_fp8, {640, 192}, 0, false},
    {"quantise_fp8", quantise_fp8, {8400, 1024}, 0, true},
    {"quantise_fp8", quantise_fp8, {8400, 4096}, 0, true},
    {"quantise_fp8", quantise_fp8, {8400, 4096, 1}, 0, true},
    {"linear_forward_fp8", linear_forward_fp8, {640, 192, 768}, 0, false},
    {"linear_forward_fp8", linear_forward_fp8, {8400, 1024, 3072}, 0, true},
    {"linear_forward_fp8", linear_forward_fp8, {8400, 1024, 1024}, 0, true},
    {"linear_forward_fp8", linear_forward_fp8, {8400, 1024, 4096}, 0, true},
    {"linear_forward_fp8", linear_forward_fp8, {8400, 4096, 1024}, 0, true},
    {"linear_backward_input_fp8", linear_backward_input_fp8, {640, 192, 768}, 0, false},
    {"linear_backward_input_fp8", linear_backward_input_fp8, {8400, 1024, 3072}, 0, true},
    {"linear_backward_input_fp8", linear_backward_input_fp8, {8400, 4096, 1024}, 0, true},
};
const int bench_count = sizeof benches / sizeof *benches;
