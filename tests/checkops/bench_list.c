/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/bench.h"

#include "cost/op_cost.h"

#include <stddef.h>

/* Bytes and floating-point operations of the calls below. */

/* n: rows, in, out */
static double linear_bytes(const int *n, int e) {
    return cost_linear_forward(n[0], n[1], n[2], false, e).bytes;
}
static double linear_act_bytes(const int *n, int e) {
    return cost_linear_forward(n[0], n[1], n[2], true, e).bytes;
}
static double linear_input_act_bytes(const int *n, int e) {
    return cost_linear_backward_input(n[0], n[1], n[2], true, e).bytes;
}
static double linear_weight_bytes(const int *n, int e) {
    return cost_linear_backward_weight(n[0], n[1], n[2], false, e).bytes;
}
static double linear_flops(const int *n) {
    return cost_linear_forward(n[0], n[1], n[2], false, 0).flops;
}

/* n: rows, dim; forward with a branch, backward with dsum */
static double norm_bytes(const int *n, int e) {
    return cost_norm_forward(n[0], n[1], true, true, e).bytes;
}
static double norm_backward_bytes(const int *n, int e) {
    return cost_norm_backward(n[0], n[1], true, false, false, e).bytes;
}
static double gelu_bytes(const int *n, int e) {
    return cost_gelu_forward((size_t)n[0] * n[1], e).bytes;
}
static double gelu_backward_bytes(const int *n, int e) {
    return cost_gelu_backward((size_t)n[0] * n[1], e).bytes;
}

/* n: batch, tokens, heads, head */
static double attention_bytes(const int *n, int e) {
    return cost_attention_forward(n[0], n[1], n[2], n[3], e).bytes;
}
static double attention_backward_bytes(const int *n, int e) {
    return cost_attention_backward(n[0], n[1], n[2], n[3], e).bytes;
}
static double attention_flops(const int *n) {
    return cost_attention_forward(n[0], n[1], n[2], n[3], 0).flops;
}
static double attention_backward_flops(const int *n) {
    return cost_attention_backward(n[0], n[1], n[2], n[3], 0).flops;
}

/* n: batch, size, patch, keep */
static double pixels_bytes(const int *n, int e) {
    return cost_pixels_to_patches(n[0], n[1], n[1], n[1], n[2], n[3], true, e).bytes;
}
static double image_bytes(const int *n, int e) {
    return cost_image_to_patches(n[0], n[1], n[2], n[3], true, e).bytes;
}

/* n: batch, patches, keep, dim */
static double embed_bytes(const int *n, int e) {
    return cost_embed(n[0], n[2], n[3], e).bytes;
}
static double restore_bytes(const int *n, int e) {
    return cost_restore(n[0], n[1], n[2], n[3], e).bytes;
}
static double pixel_loss_bytes(const int *n, int e) {
    return cost_masked_pixel_loss(n[0], n[1], n[2], n[3], true, e).bytes;
}

/* n: batch, tokens, dim */
static double pool_bytes(const int *n, int e) {
    return cost_pool(n[0], n[1], n[2], e).bytes;
}
/* n: batch, classes or outputs */
static double logits_bytes(const int *n, int e) {
    return cost_cross_entropy_loss(n[0], n[1], e).bytes;
}
static double regression_bytes(const int *n, int e) {
    return cost_regression_loss(n[0], n[1], e).bytes;
}

/* n: count */
static double read_floats(const int *n, int e) {
    (void)e;
    return cost_read(n[0], sizeof(float)).bytes;
}
static double adamw_bytes(const int *n, int e) {
    return cost_adamw(n[0], e == 2).bytes;
}
static double cast_bytes(const int *n, int e) {
    (void)e;
    return cost_cast(n[0]).bytes;
}
/* n: rows, columns, whether the codes' transpose is wanted, too */
static double quantise_bytes(const int *n, int e) {
    return cost_quantise_fp8(n[0], n[1], n[2], e).bytes;
}
/* n: rows, in, out; codes in, BF16 out */
static double forward_fp8_bytes(const int *n, int e) {
    return cost_linear_forward_fp8(n[0], n[1], n[2], false, e).bytes;
}
static double backward_input_fp8_bytes(const int *n, int e) {
    return cost_linear_backward_input_fp8(n[0], n[1], n[2], false, e).bytes;
}

/* The calls. Pools 0 .. 3 are read, 4 and 5 written, 6 and 7 hold statistics; 7 what is positive. */

static const int32_t *ids(const Bed *bed, int patches) {
    return bed->ids[patches == 196];
}

static void forward(Bed *b, const int *n) {
    b->ops.linear_forward(&b->ops, b->pool[0], b->pool[1], b->pool[2], n[3], b->pool[3], b->pool[4], n[0], n[1], n[2]);
}
static void backward_input(Bed *b, const int *n) {
    b->ops.linear_backward_input(&b->ops, b->pool[0], b->pool[1], n[3], b->pool[3], b->pool[4], n[0], n[1], n[2]);
}
static void backward_weight(Bed *b, const int *n) {
    b->ops.linear_backward_weight(&b->ops, b->pool[0], b->pool[1], b->pool[5], b->pool[6], false, n[0], n[1], n[2]);
}
static void norm(Bed *b, const int *n) {
    b->ops.norm_forward(&b->ops, b->pool[0], b->pool[1], NULL, NULL, 1, b->pool[2], b->pool[3], 1e-6f, b->pool[4],
                        b->pool[5], b->pool[6], b->pool[7], n[0], n[1], NULL);
}
static void norm_backward(Bed *b, const int *n) {
    float *sums = b->pool[5];
    b->ops.norm_backward(&b->ops, b->pool[0], b->pool[1], b->pool[2], b->pool[6], b->pool[7], b->pool[3], NULL, NULL,
                         NULL, 1, b->pool[4], NULL, sums, sums + n[1], NULL, false, n[0], n[1], NULL);
}
static void attention(Bed *b, const int *n) {
    b->ops.attention_forward(&b->ops, b->pool[0], b->pool[5], b->pool[6], n[0], n[1], n[2], n[3]);
}
static void attention_backward(Bed *b, const int *n) {
    b->ops.attention_backward(&b->ops, b->pool[1], b->pool[0], b->pool[5], b->pool[6], b->pool[4], n[0], n[1], n[2],
                              n[3]);
}
static void gelu(Bed *b, const int *n) {
    b->ops.gelu_forward(&b->ops, b->pool[0], n[2], b->pool[4], (size_t)n[0] * n[1]);
}
static void gelu_backward(Bed *b, const int *n) {
    b->ops.gelu_backward(&b->ops, b->pool[1], b->pool[0], n[2], b->pool[4], (size_t)n[0] * n[1]);
}
static void pixels(Bed *b, const int *n) { /* images come at that size */
    static const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.25f, 0.25f, 0.25f};
    const int across = n[1] / n[2];
    const ImageSet images = {.pixels = b->bytes, .count = n[0], .height = n[1], .width = n[1]};
    b->ops.pixels_to_patches(&b->ops, &images, ids(b, across * across), n[3], mean, std, n[1], n[2], b->pool[4],
                             b->pool[5], n[0]);
}
static void image(Bed *b, const int *n) {
    const int across = n[1] / n[2];
    b->ops.image_to_patches(&b->ops, b->pool[0], ids(b, across * across), n[3], n[1], n[2], b->pool[4], b->pool[5],
                            n[0]);
}
static void embed(Bed *b, const int *n) {
    b->ops.embed_forward(&b->ops, b->pool[0], b->pool[1], b->pool[2], ids(b, n[1]), b->pool[4], n[0], n[1], n[2], n[3]);
}
static void embed_backward(Bed *b, const int *n) {
    b->ops.embed_backward(&b->ops, b->pool[0], ids(b, n[1]), b->pool[4], b->pool[5], NULL, false, n[0], n[1], n[2],
                          n[3]);
}
static void restore(Bed *b, const int *n) {
    b->ops.restore_forward(&b->ops, b->pool[0], b->pool[1], b->pool[2], ids(b, n[1]), b->pool[4], n[0], n[1], n[2],
                           n[3]);
}
static void restore_backward(Bed *b, const int *n) {
    b->ops.restore_backward(&b->ops, b->pool[0], ids(b, n[1]), b->pool[4], b->pool[5], false, n[0], n[1], n[2], n[3]);
}
static void pool(Bed *b, const int *n) {
    b->ops.pool_forward(&b->ops, b->pool[0], b->pool[4], n[0], n[1], n[2]);
}
static void pool_backward(Bed *b, const int *n) {
    b->ops.pool_backward(&b->ops, b->pool[0], b->pool[4], n[0], n[1], n[2]);
}
static void pixel_loss(Bed *b, const int *n) {
    b->ops.masked_pixel_loss(&b->ops, b->pool[0], b->pool[1], ids(b, n[1]), true, 1, b->result, b->pool[4], n[0], n[1],
                             n[2], n[3]);
}
static void cross_entropy(Bed *b, const int *n) { /* labels: any list of numbers below the classes */
    b->ops.cross_entropy_loss(&b->ops, b->pool[0], b->ids[1], 0.1f, 1, b->result, b->pool[4], n[0], n[1]);
}
static void regression(Bed *b, const int *n) {
    b->ops.regression_loss(&b->ops, b->pool[0], b->pool[1], 1, b->result, b->pool[4], n[0], n[1]);
}
static void global_norm(Bed *b, const int *n) {
    b->ops.global_norm(&b->ops, b->pool[0], n[0], b->result);
}
static void find_nonfinite(Bed *b, const int *n) {
    b->ops.find_nonfinite(&b->ops, b->pool[0], REAL_FP32, n[0], b->result);
}
static void adamw(Bed *b, const int *n) {
    b->ops.adamw(&b->ops, b->pool[4], b->ops.type == REAL_BF16 ? b->pool[3] : NULL, b->pool[1], b->pool[5], b->pool[7],
                 n[0], b->segment, 1, b->values, b->norm);
}
static void to_bf16(Bed *b, const int *n) {
    b->ops.cast_to_bf16(&b->ops, b->pool[0], b->pool[5], n[0]);
}
static void from_bf16(Bed *b, const int *n) {
    b->ops.cast_from_bf16(&b->ops, b->pool[0], b->pool[5], n[0]);
}
static void quantise(Bed *b, const int *n) {
    b->ops.quantise_fp8(&b->ops, b->pool[0], b->scale[FP8_E4M3], false, b->pool[5], n[2] ? b->pool[4] : NULL, n[0],
                        n[1]);
}
/* n: rows, in, out, as the linear layers' */
static void forward_fp8(Bed *b, const int *n) {
    b->ops.linear_forward_fp8(&b->ops, b->pool[0], b->scale[FP8_E4M3], b->pool[1], b->scale[FP8_E4M3], b->pool[2],
                              ACTIVATION_NONE, NULL, b->pool[4], n[0], n[1], n[2], NULL);
}
static void backward_input_fp8(Bed *b, const int *n) {
    b->ops.linear_backward_input_fp8(&b->ops, b->pool[0], b->scale[FP8_E5M2], b->pool[1], b->scale[FP8_E4M3],
                                     ACTIVATION_NONE, NULL, b->pool[4], n[0], n[1], n[2], NULL);
}

/* Images of one height and width to another: the host's, whatever the backend. n: height and width, size */
static void resize(Bed *b, const int *n) {
    const Crop crop = {.top = 3, .left = 5, .height = n[0] - 7, .width = n[0] - 9, .flip = true};
    b->ops.error = resize_pixels(b->bytes, n[0], n[0], crop, n[1], n[1], b->pool[5]);
}
static double resize_bytes(const int *n, int e) {
    (void)e;
    return 3.0 * n[0] * n[0] + 3.0 * n[1] * n[1];
}

#define GELU ACTIVATION_GELU_ERF
/* The shapes of ViT-Tiny MAE at 96 px and batch 64, some of ViT-Base's, and, for GPUs, those of ViT-Large MAE at a
 * micro-batch of 168: an encoder of 50 tokens, dim 1024, 16 heads of 64, a decoder of 197 tokens, dim 512, 16 heads of
 * 32. */
const Bench benches[] = {
    {"linear_forward", forward, {640, 192, 576, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {640, 192, 192, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {640, 192, 768, GELU}, 12, false, linear_act_bytes, linear_flops},
    {"linear_forward", forward, {640, 768, 192, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {2368, 96, 288, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {2368, 96, 96, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {2368, 96, 384, GELU}, 4, false, linear_act_bytes, linear_flops},
    {"linear_forward", forward, {2368, 384, 96, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {2368, 96, 768, 0}, 1, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {576, 768, 192, 0}, 1, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {640, 192, 96, 0}, 1, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {3200, 768, 3072, GELU}, 0, false, linear_act_bytes, linear_flops},
    {"linear_forward", forward, {3200, 3072, 768, 0}, 0, false, linear_bytes, linear_flops},
    {"linear_forward", forward, {8400, 1024, 3072}, 0, true, linear_bytes, linear_flops},
    {"linear_forward", forward, {8400, 1024, 1024}, 0, true, linear_bytes, linear_flops},
    {"linear_forward", forward, {8400, 1024, 4096, GELU}, 0, true, linear_act_bytes, linear_flops},
    {"linear_forward", forward, {8400, 4096, 1024}, 0, true, linear_bytes, linear_flops},
    {"linear_forward", forward, {33096, 512, 1536}, 0, true, linear_bytes, linear_flops},
    {"linear_forward", forward, {33096, 512, 2048, GELU}, 0, true, linear_act_bytes, linear_flops},
    {"linear_forward", forward, {33096, 2048, 512}, 0, true, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {640, 192, 576, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {640, 192, 192, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {640, 192, 768, 0}, 12, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {640, 768, 192, GELU}, 12, false, linear_input_act_bytes, linear_flops},
    {"linear_backward_input", backward_input, {2368, 96, 288, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {2368, 96, 96, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {2368, 96, 384, 0}, 4, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {2368, 384, 96, GELU}, 4, false, linear_input_act_bytes, linear_flops},
    {"linear_backward_input", backward_input, {2368, 96, 768, 0}, 1, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {640, 192, 96, 0}, 1, false, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {3200, 3072, 768, GELU}, 0, false, linear_input_act_bytes, linear_flops},
    {"linear_backward_input", backward_input, {8400, 1024, 3072}, 0, true, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {8400, 4096, 1024, GELU}, 0, true, linear_input_act_bytes, linear_flops},
    {"linear_backward_input", backward_input, {33096, 512, 1536}, 0, true, linear_bytes, linear_flops},
    {"linear_backward_input", backward_input, {33096, 2048, 512, GELU}, 0, true, linear_input_act_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {640, 192, 576}, 12, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {640, 192, 192}, 12, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {640, 192, 768}, 12, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {640, 768, 192}, 12, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {2368, 96, 288}, 4, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {2368, 96, 96}, 4, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {2368, 96, 384}, 4, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {2368, 384, 96}, 4, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {2368, 96, 768}, 1, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {576, 768, 192}, 1, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {640, 192, 96}, 1, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {3200, 768, 3072}, 0, false, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {8400, 1024, 3072}, 0, true, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {8400, 1024, 4096}, 0, true, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {33096, 512, 1536}, 0, true, linear_weight_bytes, linear_flops},
    {"linear_backward_weight", backward_weight, {33096, 512, 2048}, 0, true, linear_weight_bytes, linear_flops},
    {"norm_forward", norm, {640, 192}, 25, false, norm_bytes, NULL},
    {"norm_forward", norm, {2368, 96}, 9, false, norm_bytes, NULL},
    {"norm_forward", norm, {3200, 768}, 0, false, norm_bytes, NULL},
    {"norm_forward", norm, {8400, 1024}, 0, true, norm_bytes, NULL},
    {"norm_forward", norm, {33096, 512}, 0, true, norm_bytes, NULL},
    {"norm_backward", norm_backward, {640, 192}, 25, false, norm_backward_bytes, NULL},
    {"norm_backward", norm_backward, {2368, 96}, 9, false, norm_backward_bytes, NULL},
    {"norm_backward", norm_backward, {3200, 768}, 0, false, norm_backward_bytes, NULL},
    {"norm_backward", norm_backward, {8400, 1024}, 0, true, norm_backward_bytes, NULL},
    {"norm_backward", norm_backward, {33096, 512}, 0, true, norm_backward_bytes, NULL},
    {"attention_forward", attention, {64, 10, 3, 64}, 12, false, attention_bytes, attention_flops},
    {"attention_forward", attention, {64, 37, 3, 32}, 4, false, attention_bytes, attention_flops},
    {"attention_forward", attention, {64, 50, 12, 64}, 0, false, attention_bytes, attention_flops},
    {"attention_forward", attention, {16, 197, 16, 32}, 0, false, attention_bytes, attention_flops},
    {"attention_forward", attention, {8, 257, 16, 80}, 0, false, attention_bytes, attention_flops},
    {"attention_forward", attention, {168, 50, 16, 64}, 0, true, attention_bytes, attention_flops},
    {"attention_forward", attention, {168, 197, 16, 32}, 0, true, attention_bytes, attention_flops},
    {"attention_backward",
     attention_backward,
     {64, 10, 3, 64},
     12,
     false,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {64, 37, 3, 32},
     4,
     false,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {64, 50, 12, 64},
     0,
     false,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {16, 197, 16, 32},
     0,
     false,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {8, 257, 16, 80},
     0,
     false,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {168, 50, 16, 64},
     0,
     true,
     attention_backward_bytes,
     attention_backward_flops},
    {"attention_backward",
     attention_backward,
     {168, 197, 16, 32},
     0,
     true,
     attention_backward_bytes,
     attention_backward_flops},
    {"gelu_forward", gelu, {640, 768, GELU}, 0, false, gelu_bytes, NULL},
    {"gelu_forward", gelu, {640, 768, ACTIVATION_GELU_TANH}, 0, false, gelu_bytes, NULL},
    {"gelu_forward", gelu, {8400, 4096, GELU}, 0, true, gelu_bytes, NULL},
    {"gelu_forward", gelu, {8400, 4096, ACTIVATION_GELU_TANH}, 0, true, gelu_bytes, NULL},
    {"gelu_backward", gelu_backward, {640, 768, GELU}, 0, false, gelu_backward_bytes, NULL},
    {"gelu_backward", gelu_backward, {640, 768, ACTIVATION_GELU_TANH}, 0, false, gelu_backward_bytes, NULL},
    {"gelu_backward", gelu_backward, {8400, 4096, GELU}, 0, true, gelu_backward_bytes, NULL},
    {"gelu_backward", gelu_backward, {8400, 4096, ACTIVATION_GELU_TANH}, 0, true, gelu_backward_bytes, NULL},
    {"resize_pixels", resize, {128, 96}, 0, false, resize_bytes, NULL},
    {"resize_pixels", resize, {256, 96}, 0, false, resize_bytes, NULL},
    {"resize_pixels", resize, {256, 224}, 0, false, resize_bytes, NULL},
    {"resize_pixels", resize, {512, 224}, 0, false, resize_bytes, NULL},
    {"resize_pixels", resize, {2048, 256}, 0, false, resize_bytes, NULL},
    {"pixels_to_patches", pixels, {64, 96, 16, 9}, 1, false, pixels_bytes, NULL},
    {"pixels_to_patches", pixels, {168, 224, 16, 49}, 0, true, pixels_bytes, NULL},
    {"image_to_patches", image, {64, 96, 16, 9}, 0, false, image_bytes, NULL},
    {"image_to_patches", image, {168, 224, 16, 49}, 0, true, image_bytes, NULL},
    {"embed_forward", embed, {64, 36, 9, 192}, 1, false, embed_bytes, NULL},
    {"embed_forward", embed, {168, 196, 49, 1024}, 0, true, embed_bytes, NULL},
    {"embed_backward", embed_backward, {64, 36, 9, 192}, 1, false, embed_bytes, NULL},
    {"embed_backward", embed_backward, {168, 196, 49, 1024}, 0, true, embed_bytes, NULL},
    {"restore_forward", restore, {64, 36, 9, 96}, 1, false, restore_bytes, NULL},
    {"restore_forward", restore, {168, 196, 49, 512}, 0, true, restore_bytes, NULL},
    {"restore_backward", restore_backward, {64, 36, 9, 96}, 1, false, restore_bytes, NULL},
    {"restore_backward", restore_backward, {168, 196, 49, 512}, 0, true, restore_bytes, NULL},
    {"pool_forward", pool, {64, 37, 192}, 0, false, pool_bytes, NULL},
    {"pool_forward", pool, {168, 197, 1024}, 0, true, pool_bytes, NULL},
    {"pool_backward", pool_backward, {64, 37, 192}, 0, false, pool_bytes, NULL},
    {"pool_backward", pool_backward, {168, 197, 1024}, 0, true, pool_bytes, NULL},
    {"masked_pixel_loss", pixel_loss, {64, 36, 9, 768}, 1, false, pixel_loss_bytes, NULL},
    {"masked_pixel_loss", pixel_loss, {168, 196, 49, 768}, 0, true, pixel_loss_bytes, NULL},
    {"cross_entropy_loss", cross_entropy, {64, 1000}, 0, false, logits_bytes, NULL},
    {"regression_loss", regression, {1024, 8}, 0, false, regression_bytes, NULL},
    {"global_norm", global_norm, {6000000}, 1, false, read_floats, NULL},
    {"global_norm", global_norm, {100000000}, 0, true, read_floats, NULL},
    {"find_nonfinite", find_nonfinite, {6000000}, 0, false, read_floats, NULL},
    {"find_nonfinite", find_nonfinite, {100000000}, 0, true, read_floats, NULL},
    {"adamw", adamw, {6000000}, 1, false, adamw_bytes, NULL},
    {"adamw", adamw, {100000000}, 0, true, adamw_bytes, NULL},
    {"cast_to_bf16", to_bf16, {6000000}, 0, false, cast_bytes, NULL},
    {"cast_to_bf16", to_bf16, {100000000}, 0, true, cast_bytes, NULL},
    {"cast_from_bf16", from_bf16, {6000000}, 0, false, cast_bytes, NULL},
    {"cast_from_bf16", from_bf16, {100000000}, 0, true, cast_bytes, NULL},
    {"quantise_fp8", quantise, {6000, 1000, 1}, 0, false, quantise_bytes, NULL},
    {"quantise_fp8", quantise, {640, 192}, 0, false, quantise_bytes, NULL},
    {"quantise_fp8", quantise, {8400, 1024}, 0, true, quantise_bytes, NULL},
    {"quantise_fp8", quantise, {8400, 4096}, 0, true, quantise_bytes, NULL},
    {"quantise_fp8", quantise, {8400, 4096, 1}, 0, true, quantise_bytes, NULL},
    {"linear_forward_fp8", forward_fp8, {640, 192, 768}, 0, false, forward_fp8_bytes, linear_flops},
    {"linear_forward_fp8", forward_fp8, {8400, 1024, 3072}, 0, true, forward_fp8_bytes, linear_flops},
    {"linear_forward_fp8", forward_fp8, {8400, 1024, 1024}, 0, true, forward_fp8_bytes, linear_flops},
    {"linear_forward_fp8", forward_fp8, {8400, 1024, 4096}, 0, true, forward_fp8_bytes, linear_flops},
    {"linear_forward_fp8", forward_fp8, {8400, 4096, 1024}, 0, true, forward_fp8_bytes, linear_flops},
    {"linear_backward_input_fp8",
     backward_input_fp8,
     {640, 192, 768},
     0,
     false,
     backward_input_fp8_bytes,
     linear_flops},
    {"linear_backward_input_fp8",
     backward_input_fp8,
     {8400, 1024, 3072},
     0,
     true,
     backward_input_fp8_bytes,
     linear_flops},
    {"linear_backward_input_fp8",
     backward_input_fp8,
     {8400, 4096, 1024},
     0,
     true,
     backward_input_fp8_bytes,
     linear_flops},
};
const int bench_count = sizeof benches / sizeof *benches;
