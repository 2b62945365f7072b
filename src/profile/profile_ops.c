/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation of the table between two marks: one entry an operation, which says what the call costs. The table is
 * filled from the list of operations, so one without an entry here does not compile. */
#include "profile/profiler.h"

#define LIST(...) __VA_ARGS__

/* Parameters and arguments after the table, whose device is the profiler's (profiler_attach()). */
#define PROFILED(name, parameters, arguments, cost)                                                                    \
    static void profiled_##name(Ops *ops, LIST parameters) {                                                           \
        Profiler *profiler = (Profiler *)ops->device;                                                                  \
        profiler_mark(profiler, MARK_BEGIN, OPERATION_##name, (OpCost){0});                                            \
        profiler->plain.name(ops, LIST arguments);                                                                     \
        profiler_mark(profiler, MARK_END, OPERATION_##name, cost);                                                     \
    }

/* Bytes of an element of Real. */
#define E ((int)real_size(ops->type))

/* --- Linear layers, activations, norms, attention */

PROFILED(linear_forward,
         (const Real *x, const Real *w, const Real *bias, Activation act, Real *pre, Real *y, int rows, int in,
          int out),
         (x, w, bias, act, pre, y, rows, in, out), cost_linear_forward(rows, in, out, act != ACTIVATION_NONE, E))

PROFILED(linear_backward_input,
         (const Real *dy, const Real *w, Activation act, const Real *pre, Real *dx, int rows, int in, int out),
         (dy, w, act, pre, dx, rows, in, out), cost_linear_backward_input(rows, in, out, act != ACTIVATION_NONE, E))

PROFILED(linear_backward_weight,
         (const Real *dy, const Real *x, float *dw, float *dbias, bool add, int rows, int in, int out),
         (dy, x, dw, dbias, add, rows, in, out), cost_linear_backward_weight(rows, in, out, add, E))

PROFILED(gelu_forward, (const Real *x, Activation act, Real *y, size_t count), (x, act, y, count),
         cost_gelu_forward(count, E))

PROFILED(gelu_backward, (const Real *dy, const Real *x, Activation act, Real *dx, size_t count),
         (dy, x, act, dx, count), cost_gelu_backward(count, E))

PROFILED(norm_forward,
         (const Real *x, const Real *branch, const float *scale, const float *keep, int rows_per_sample,
          const float *weight, const float *bias, float eps, Real *sum, Real *y, float *mean, float *rstd, int rows,
          int dim, const Fp8Codes *codes),
         (x, branch, scale, keep, rows_per_sample, weight, bias, eps, sum, y, mean, rstd, rows, dim, codes),
         cost_with_codes(cost_norm_forward(rows, dim, branch != NULL, y != NULL, E), codes != NULL,
                         (size_t)rows *(size_t)dim))

PROFILED(norm_backward,
         (const Real *dy, const Real *dsum, const Real *sum, const float *mean, const float *rstd, const float *weight,
          const Real *branch, const float *scale, const float *keep, int rows_per_sample, Real *dx, Real *dbranch,
          float *dweight, float *dbias, float *dscale, bool add, int rows, int dim, const Fp8Codes *codes),
         (dy, dsum, sum, mean, rstd, weight, branch, scale, keep, rows_per_sample, dx, dbranch, dweight, dbias, dscale,
          add, rows, dim, codes),
         cost_with_codes(cost_norm_backward(rows, dim, dsum != NULL, dscale != NULL, dbranch != NULL, E), codes != NULL,
                         (size_t)rows *(size_t)dim))

PROFILED(attention_forward, (const Real *qkv, Real *out, float *lse, int batch, int tokens, int heads, int head),
         (qkv, out, lse, batch, tokens, heads, head), cost_attention_forward(batch, tokens, heads, head, E))

PROFILED(attention_backward,
         (const Real *dout, const Real *qkv, const Real *out, const float *lse, Real *dqkv, int batch, int tokens,
          int heads, int head),
         (dout, qkv, out, lse, dqkv, batch, tokens, heads, head),
         cost_attention_backward(batch, tokens, heads, head, E))

/* --- Patches and tokens */

PROFILED(pixels_to_patches,
         (const ImageSet *images, const int32_t *ids, int keep, const float *mean, const float *std, int size,
          int patch, Real *visible, float *target, int batch),
         (images, ids, keep, mean, std, size, patch, visible, target, batch),
         cost_pixels_to_patches(batch, images->height, images->width, size, patch, keep, target != NULL, E))

PROFILED(image_to_patches,
         (const float *image, const int32_t *ids, int keep, int size, int patch, Real *visible, float *target,
          int batch),
         (image, ids, keep, size, patch, visible, target, batch),
         cost_image_to_patches(batch, size, patch, keep, target != NULL, E))

PROFILED(embed_forward,
         (const Real *x, const float *cls, const float *pos, const int32_t *ids, Real *out, int batch, int patches,
          int keep, int dim),
         (x, cls, pos, ids, out, batch, patches, keep, dim), cost_embed(batch, keep, dim, E))

PROFILED(embed_backward,
         (const Real *dout, const int32_t *ids, Real *dx, float *dcls, float *dpos, bool add, int batch, int patches,
          int keep, int dim),
         (dout, ids, dx, dcls, dpos, add, batch, patches, keep, dim), cost_embed(batch, keep, dim, E))

PROFILED(restore_forward,
         (const Real *x, const float *mask_token, const float *pos, const int32_t *ids, Real *out, int batch,
          int patches, int keep, int dim),
         (x, mask_token, pos, ids, out, batch, patches, keep, dim), cost_restore(batch, patches, keep, dim, E))

PROFILED(restore_backward,
         (const Real *dout, const int32_t *ids, Real *dx, float *dmask_token, bool add, int batch, int patches,
          int keep, int dim),
         (dout, ids, dx, dmask_token, add, batch, patches, keep, dim), cost_restore(batch, patches, keep, dim, E))

PROFILED(pool_forward, (const Real *x, Real *y, int batch, int tokens, int dim), (x, y, batch, tokens, dim),
         cost_pool(batch, tokens, dim, E))

PROFILED(pool_backward, (const Real *dy, Real *dx, int batch, int tokens, int dim), (dy, dx, batch, tokens, dim),
         cost_pool(batch, tokens, dim, E))

/* --- Losses */

PROFILED(masked_pixel_loss,
         (const Real *pred, const float *target, const int32_t *ids, bool normalise, float grad_scale, double *loss,
          Real *dpred, int batch, int patches, int keep, int dim),
         (pred, target, ids, normalise, grad_scale, loss, dpred, batch, patches, keep, dim),
         cost_masked_pixel_loss(batch, patches, keep, dim, dpred != NULL, E))

PROFILED(cross_entropy_loss,
         (const Real *logits, const int32_t *labels, float smoothing, float grad_scale, double *loss, Real *dlogits,
          int batch, int classes),
         (logits, labels, smoothing, grad_scale, loss, dlogits, batch, classes),
         cost_cross_entropy_loss(batch, classes, E))

PROFILED(regression_loss,
         (const Real *pred, const float *target, float grad_scale, double *loss, Real *dpred, int batch, int outputs),
         (pred, target, grad_scale, loss, dpred, batch, outputs), cost_regression_loss(batch, outputs, E))

/* --- Update, and what is kept for it */

PROFILED(global_norm, (const float *x, size_t count, float *norm), (x, count, norm), cost_read(count, sizeof(float)))

PROFILED(find_nonfinite, (const Real *x, RealType type, size_t count, uint64_t *first), (x, type, count, first),
         cost_read(count, (int)real_size(type)))

PROFILED(judge_step, (const double *losses, int count, const float *norm, StepState *state, float *gate),
         (losses, count, norm, state, gate), cost_read((size_t)count, sizeof(double)))

PROFILED(adamw,
         (float *param, uint16_t *rounded, const float *grad, float *m, float *v, size_t count,
          const AdamwSegment *segments, int segment_count, const AdamwValues *values, const float *norm),
         (param, rounded, grad, m, v, count, segments, segment_count, values, norm), cost_adamw(count, rounded != NULL))

PROFILED(cast_to_bf16, (const float *x, uint16_t *y, size_t count), (x, y, count), cost_cast(count))

PROFILED(cast_from_bf16, (const uint16_t *x, float *y, size_t count), (x, y, count), cost_cast(count))

/* --- FP8; a scale's own few numbers count for nothing */

PROFILED(begin_fp8, (Fp8Scale scales[], int count), (scales, count), (OpCost){0})

PROFILED(update_fp8, (Fp8Scale scales[], int count, const float *gate), (scales, count, gate), (OpCost){0})

/* Does nothing in all steps but the first. */
PROFILED(measure_fp8, (const Real *x, Fp8Scale *scale, size_t count), (x, scale, count), (OpCost){0})

PROFILED(quantise_fp8,
         (const Real *x, Fp8Scale *scale, bool seen, uint8_t *y, uint8_t *transposed, int rows, int columns),
         (x, scale, seen, y, transposed, rows, columns), cost_quantise_fp8(rows, columns, transposed != NULL, E))

PROFILED(linear_forward_fp8,
         (const uint8_t *x, const Fp8Scale *x_scale, const uint8_t *w, const Fp8Scale *w_scale, const Real *bias,
          Activation act, Real *pre, Real *y, int rows, int in, int out, const Fp8Codes *codes),
         (x, x_scale, w, w_scale, bias, act, pre, y, rows, in, out, codes),
         cost_with_codes(cost_linear_forward_fp8(rows, in, out, act != ACTIVATION_NONE, E), codes != NULL,
                         (size_t)rows *(size_t)out))

PROFILED(linear_backward_input_fp8,
         (const uint8_t *dy, const Fp8Scale *dy_scale, const uint8_t *w_transposed, const Fp8Scale *w_scale,
          Activation act, const Real *pre, Real *dx, int rows, int in, int out, const Fp8Codes *codes),
         (dy, dy_scale, w_transposed, w_scale, act, pre, dx, rows, in, out, codes),
         cost_with_codes(cost_linear_backward_input_fp8(rows, in, out, act != ACTIVATION_NONE, E), codes != NULL,
                         (size_t)rows *(size_t)in))

void profile_ops_fill(Ops *ops) {
#define PROFILE_FILL(name) ops->name = profiled_##name;
    OPERATIONS(PROFILE_FILL)
#undef PROFILE_FILL
}
