/* SPDX-License-Identifier: Apache-2.0 */
/* The operations: one table of function pointers that a backend fills and the model is written against.
 *
 * Tensors are dense and row-major; the shape of each argument stands beside it. Real tensors hold elements of
 * `ops->type`; the arithmetic between reading and writing them is FP32, and what is computed from a tensor that the
 * same operation writes (the norm from the residual sum, GELU from the linear layer's product) is computed from the
 * rounded values as they are stored. All pointers are memory of `ops->device`, scalars and lists too, and tensors start
 * on a multiple of 16 bytes, unless the comment says host. Operations run in order on the device's compute stream and
 * may return before they are done.
 *
 * An operation returns nothing: the first one that fails leaves its status in `ops->error` (operation, shape, cause),
 * every later one then does nothing, and the step asks once with ops_error(). What only the device can see (an id out
 * of range, a lost GPU) is reported when the device is next waited for. Sums over many values are taken in an order
 * that depends on the shape alone, so results are bit-identical from run to run and for any number of threads.
 *
 * A device told to choose by timing (Device.tune) may take GELU's tanh form, and its slope's product, from the linear
 * layer's product as it was before it was rounded; its results are bit-identical as long as its choices are the same.
 *
 * A new operation is one line here and in include/operations.h, a file in kernels/cpu, one in kernels/cuda, its cost in
 * src/train/profile_ops.c, one line in tests/checkops. */
#ifndef FOVEA_OPS_H
#define FOVEA_OPS_H

#include "base/status.h"
#include "device/device.h"
#include "image/resize.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What Real tensors hold: float, or BF16 (the upper half of a float) as uint16_t. */
typedef enum { REAL_FP32, REAL_BF16 } RealType;
typedef void Real;

static inline size_t real_size(RealType type) {
    return type == REAL_FP32 ? sizeof(float) : sizeof(uint16_t);
}

/* GELU (Hendrycks & Gimpel, arXiv 1606.08415): exact, x * Phi(x) by erf, or the tanh approximation. */
typedef enum { ACTIVATION_NONE, ACTIVATION_GELU_ERF, ACTIVATION_GELU_TANH } Activation;

/* FP8 formats (Micikevicius et al., arXiv 2209.05433): largest values 448 and 57344. */
typedef enum { FP8_E4M3, FP8_E5M2 } Fp8Format;

/* Steps whose largest values choose a scale. The largest of 64 is passed by the next one seldom, and then by less than
 * the up to twice that a power of two leaves; where tensors shrink, as gradients do after the warm-up, their scale
 * follows within 64 steps. */
enum { FP8_HISTORY = 64 };

/* Binary orders by which E5M2 stays below its largest value. Its 30 are more than gradients need, and these grow: in a
 * ViT-Tiny MAE's first hundred steps some 16 times within 16 steps. E4M3 has no order to spare. */
enum { FP8_MARGIN = 4 };

/* How one tensor is scaled into FP8, from step to step (delayed scaling), in device memory. The scale is the largest
 * power of two that leaves the largest value of the last FP8_HISTORY steps within the format, and its margin, so that
 * multiplying by it and by its inverse rounds nothing; between 2^-60 and 2^60. A step begins with begin_fp8() and ends
 * with update_fp8(). Set to zero, but for the format, before the first. */
typedef struct {
    float scale;            /* what values are multiplied by; 0: not known yet, which counts as 1 */
    float inverse;          /* 1 / scale: what products of the codes are multiplied by */
    float amax;             /* the largest size among the values since the step began; not finite where one is not */
    uint32_t saturated;     /* values since then that were beyond the format's largest */
    int32_t format;         /* Fp8Format */
    int32_t position;       /* where the next step's amax goes */
    uint32_t recent;        /* the last 32 steps, newest in bit 0: whether values saturated or were not finite */
    uint32_t overflows;     /* such steps, and */
    uint64_t all_saturated; /* values that saturated, since they were last told of */
    float history[FP8_HISTORY]; /* amax of steps, but for those where it was 0 or not finite; 0: none yet */
} Fp8Scale;

/* Where an operation leaves the codes of a tensor that it writes, too, as quantise_fp8() of that tensor would: made
 * while it is at hand, they cost a byte a value. `scale` is known. */
typedef struct {
    Fp8Scale *scale;
    bool seen; /* see quantise_fp8() */
    uint8_t *y;
} Fp8Codes;

/* Images of one size, in bytes, and what samples see of them. Device memory. */
typedef struct {
    const uint8_t *pixels; /* [count][height][width][3] */
    int count, height, width;
    const int32_t *which; /* [batch] the image that each sample sees; NULL: its own, count is the batch */
    const Crop *crops;    /* [batch] the part of it; NULL: all */
} ImageSet;

/* A run of parameters that AdamW treats alike. */
typedef struct {
    size_t offset, count; /* into the parameter, gradient and moment arrays */
    float lr_scale;       /* layer-wise rate decay; 1 without */
    bool decay;           /* whether weight decay applies */
} AdamwSegment;

typedef struct {
    float lr, beta1, beta2, eps, weight_decay;
    float bias1, bias2; /* 1 - beta1^t, 1 - beta2^t, t counted from 1 */
    float clip;         /* largest global norm; 0: no clipping */
} AdamwValues;

/* What a step came to, in the order in which it is looked for. */
typedef enum { VERDICT_SOUND, VERDICT_LOSS, VERDICT_SPIKE, VERDICT_GRADIENT } Verdict;

/* What is known of the steps so far, on the device, so that it judges each before its update while the host is already
 * further. */
typedef struct {
    double spike;    /* a loss over this many times the mean is one; 0: off */
    int64_t settled; /* applied steps before which no loss is a spike */
    double mean;     /* running mean of the applied steps' losses: 0.98 of the old one; NaN: none yet */
    int64_t applied; /* steps */
    double loss;     /* of the last step, and its gradient's norm and verdict */
    float norm;
    int32_t verdict;
    int32_t halted; /* set by a step that is not sound: from then on none is applied, until the host clears it */
} StepState;

typedef struct Ops Ops;
struct Ops {
    const char *name; /* "cpu", "cuda", "emu" */
    const Device *device;
    RealType type;
    int threads;  /* the CPU's; 1 elsewhere */
    Status error; /* the first failure; owned, taken with ops_error() */

    /* y = act(x w^T + bias). `bias` may be NULL. With an activation, `pre` receives x w^T + bias for the gradient. */
    void (*linear_forward)(Ops *ops, const Real *x /*[rows][in]*/, const Real *w /*[out][in]*/,
                           const Real *bias /*[out]*/, Activation act, Real *pre /*[rows][out]*/,
                           Real *y /*[rows][out]*/, int rows, int in, int out);
    /* dx = dy w, times act'(pre) where the layer's input was x = act(pre); `pre` NULL with ACTIVATION_NONE. */
    void (*linear_backward_input)(Ops *ops, const Real *dy /*[rows][out]*/, const Real *w /*[out][in]*/, Activation act,
                                  const Real *pre /*[rows][in]*/, Real *dx /*[rows][in]*/, int rows, int in, int out);
    /* dw = dy^T x and dbias = column sums of dy (NULL: none), added to what is there when `add`. */
    void (*linear_backward_weight)(Ops *ops, const Real *dy /*[rows][out]*/, const Real *x /*[rows][in]*/,
                                   float *dw /*[out][in]*/, float *dbias /*[out]*/, bool add, int rows, int in,
                                   int out);

    /* y = act(x), dx = dy act'(x); the linear layers fuse the same. `y` may be x, `dx` may be dy. */
    void (*gelu_forward)(Ops *ops, const Real *x, Activation act, Real *y, size_t count);
    void (*gelu_backward)(Ops *ops, const Real *dy, const Real *x, Activation act, Real *dx, size_t count);

    /* sum = x + keep[sample] * scale * branch; y = (sum - mean) * rstd * weight + bias (LayerNorm, Ba et al.,
     * arXiv 1607.06450; variance over `dim`, biased). branch NULL: sum is x itself and is not written. scale
     * (LayerScale, Touvron et al., arXiv 2103.17239) and keep (drop-path: 0 or 1/(1-p) a sample, Huang et al., arXiv
     * 1603.09382) may be NULL. y NULL: only the sum; weight, bias, mean and rstd are not used then. `sum` may be x. */
    void (*norm_forward)(Ops *ops, const Real *x /*[rows][dim]*/, const Real *branch /*[rows][dim]*/,
                         const float *scale /*[dim]*/, const float *keep /*[rows / rows_per_sample]*/,
                         int rows_per_sample, const float *weight /*[dim]*/, const float *bias /*[dim]*/, float eps,
                         Real *sum /*[rows][dim]*/, Real *y /*[rows][dim]*/, float *mean /*[rows]*/,
                         float *rstd /*[rows]*/, int rows, int dim, const Fp8Codes *codes /*y's; NULL: none*/);
    /* The gradient of norm_forward. `dy` reaches y, `dsum` (may be NULL) reaches sum by the residual path.
     * dx = dsum + the gradient through the norm, and may be dsum. dbranch = keep * scale * dx; NULL when there is no
     * branch or neither scale nor keep (it is dx then). dweight, dbias and dscale (NULL: none) are added to when `add`;
     * `branch` is read only for dscale. `sum` is what the norm saw. */
    void (*norm_backward)(Ops *ops, const Real *dy, const Real *dsum, const Real *sum, const float *mean,
                          const float *rstd, const float *weight, const Real *branch, const float *scale,
                          const float *keep, int rows_per_sample, Real *dx, Real *dbranch, float *dweight, float *dbias,
                          float *dscale, bool add, int rows, int dim, const Fp8Codes *codes /*dx's; NULL: none*/);

    /* softmax(q k^T / sqrt(head)) v for each sample and head; qkv holds q, k, v interleaved as one linear layer writes
     * them. `lse` keeps each row's log-sum-exp for the gradient. One head's scores at a time and thread. */
    void (*attention_forward)(Ops *ops, const Real *qkv /*[batch][tokens][3][heads][head]*/,
                              Real *out /*[batch][tokens][heads][head]*/, float *lse /*[batch][heads][tokens]*/,
                              int batch, int tokens, int heads, int head);
    void (*attention_backward)(Ops *ops, const Real *dout, const Real *qkv, const Real *out, const float *lse,
                               Real *dqkv, int batch, int tokens, int heads, int head);

    /* Crop and resize what each sample sees as resize_pixels() does, normalise (v / 255 - mean) / std by channel, cut
     * into patches. `ids` lists each sample's patches, the `keep` visible ones first. visible: channel slowest (c, y,
     * x), as the patch embedding's convolution weight lies; target: the others in the order of ids, channel fastest (y,
     * x, c), as the decoder predicts. target NULL: not wanted. */
    void (*pixels_to_patches)(Ops *ops, const ImageSet *images, const int32_t *ids /*[batch][patches]*/, int keep,
                              const float mean[3], const float std[3], int size, int patch,
                              Real *visible /*[batch][keep][3*patch*patch]*/,
                              float *target /*[batch][patches-keep][3*patch*patch]*/, int batch);
    /* The same from images already normalised. */
    void (*image_to_patches)(Ops *ops, const float *image /*[batch][3][size][size]*/,
                             const int32_t *ids /*[batch][patches]*/, int keep, int size, int patch, Real *visible,
                             float *target, int batch);

    /* out[0] = cls + pos[0]; out[1+j] = x[j] + pos[1+ids[j]]: position added to the visible patches. */
    void (*embed_forward)(Ops *ops, const Real *x /*[batch][keep][dim]*/, const float *cls /*[dim]*/,
                          const float *pos /*[1+patches][dim]*/, const int32_t *ids /*[batch][patches]*/,
                          Real *out /*[batch][1+keep][dim]*/, int batch, int patches, int keep, int dim);
    /* dx, dcls and dpos (NULL: the position embedding is fixed); dcls and dpos are added to when `add`. */
    void (*embed_backward)(Ops *ops, const Real *dout, const int32_t *ids, Real *dx, float *dcls, float *dpos, bool add,
                           int batch, int patches, int keep, int dim);

    /* out[0] = x[0] + pos[0]; out[1+ids[j]] = (j < keep ? x[1+j] : mask_token) + pos[1+ids[j]]: visible tokens go back
     * to their places, the mask token stands for the rest. */
    void (*restore_forward)(Ops *ops, const Real *x /*[batch][1+keep][dim]*/, const float *mask_token /*[dim]*/,
                            const float *pos /*[1+patches][dim]*/, const int32_t *ids /*[batch][patches]*/,
                            Real *out /*[batch][1+patches][dim]*/, int batch, int patches, int keep, int dim);
    void (*restore_backward)(Ops *ops, const Real *dout, const int32_t *ids, Real *dx, float *dmask_token, bool add,
                             int batch, int patches, int keep, int dim);

    /* Mean of the tokens after the first (the class token) and its gradient (zero for the first). */
    void (*pool_forward)(Ops *ops, const Real *x /*[batch][tokens][dim]*/, Real *y /*[batch][dim]*/, int batch,
                         int tokens, int dim);
    void (*pool_backward)(Ops *ops, const Real *dy, Real *dx, int batch, int tokens, int dim);

    /* Mean over the masked patches of the mean squared difference; with `normalise` the target is first made
     * (t - mean) / sqrt(var + 1e-6), var unbiased over a patch (He et al., arXiv 2111.06377). pred row 0 is the class
     * token's and is ignored. loss gets this batch's mean; dpred (NULL: only the loss) gets grad_scale times its
     * gradient, zero on visible patches and the class token. */
    void (*masked_pixel_loss)(Ops *ops, const Real *pred /*[batch][1+patches][dim]*/,
                              const float *target /*[batch][patches-keep][dim]*/,
                              const int32_t *ids /*[batch][patches]*/, bool normalise, float grad_scale, double *loss,
                              Real *dpred, int batch, int patches, int keep, int dim);
    /* Mean cross-entropy with label smoothing s: target (1-s) on the label plus s / classes everywhere. */
    void (*cross_entropy_loss)(Ops *ops, const Real *logits /*[batch][classes]*/, const int32_t *labels /*[batch]*/,
                               float smoothing, float grad_scale, double *loss, Real *dlogits, int batch, int classes);
    /* Mean squared error over batch and outputs. */
    void (*regression_loss)(Ops *ops, const Real *pred /*[batch][outputs]*/, const float *target, float grad_scale,
                            double *loss, Real *dpred, int batch, int outputs);

    /* norm = sqrt(sum of squares), summed in double; inf or NaN where an element is. */
    void (*global_norm)(Ops *ops, const float *x, size_t count, float *norm);
    /* The index of the first element that is not finite, or `count`; x holds elements of `type`. */
    void (*find_nonfinite)(Ops *ops, const Real *x, RealType type, size_t count, uint64_t *first);
    /* Judges a step by the mean of its micro-batches' losses and by its gradient's norm: not sound are a loss that is
     * not finite, a spike, a norm that is not finite. *gate = *norm for a sound step, and it counts as applied; NaN,
     * for adamw(), when it or an earlier one since the last halt is not. */
    void (*judge_step)(Ops *ops, const double *losses /*[count]*/, int count, const float *norm, StepState *state,
                       float *gate);
    /* AdamW with decoupled decay (Loshchilov & Hutter, arXiv 1711.05101) over all segments at once: gradient scaled by
     * min(1, clip / norm), p -= lr * lr_scale * (weight_decay * p + m/bias1 / (sqrt(v/bias2) + eps)). Does nothing when
     * *norm is not finite. Segments ascend and do not overlap; elements in none stay as they are. rounded (NULL: not
     * wanted): the new parameters in BF16. */
    void (*adamw)(Ops *ops, float *param /*[count]*/, uint16_t *rounded /*[count]*/, const float *grad /*[count]*/,
                  float *m /*[count]*/, float *v /*[count]*/, size_t count, const AdamwSegment *segments,
                  int segment_count, const AdamwValues *values, const float *norm);

    /* FP32 to BF16 (round to nearest, ties to even; NaN stays NaN, quiet) and back. */
    void (*cast_to_bf16)(Ops *ops, const float *x, uint16_t *y, size_t count);
    void (*cast_from_bf16)(Ops *ops, const uint16_t *x, float *y, size_t count);
    /* FP8. Begins a step for `count` scales: nothing seen yet; one without history is not known. */
    void (*begin_fp8)(Ops *ops, Fp8Scale *scales, int count);
    /* Ends it: amax goes into the history, unless it is 0 or not finite, and chooses the next step's scale; counts.
     * Does nothing when *gate (NULL: no gate) is not finite, as adamw(). */
    void (*update_fp8)(Ops *ops, Fp8Scale *scales, int count, const float *gate);
    /* Takes a scale that is not known from the tensor itself; else does nothing. */
    void (*measure_fp8)(Ops *ops, const Real *x, Fp8Scale *scale, size_t count);
    /* y = fp8(x * scale), to nearest, ties to even, beyond the largest value saturated, NaN kept; transposed (NULL:
     * not wanted): the same codes, [columns][rows]. Joins amax and saturated, unless the tensor was `seen` before. */
    void (*quantise_fp8)(Ops *ops, const Real *x /*[rows][columns]*/, Fp8Scale *scale, bool seen,
                         uint8_t *y /*[rows][columns]*/, uint8_t *transposed, int rows, int columns);
    /* linear_forward and linear_backward_input of what the codes stand for: x and w in E4M3, dy in E5M2. The latter
     * takes the codes of w transposed, and stores dy w before it multiplies by act'(pre). On a GPU in BF16 alone, and
     * the forward product's sums are less precise than FP32's (fast accumulation). The new codes may lie where those of
     * the factor did. */
    void (*linear_forward_fp8)(Ops *ops, const uint8_t *x /*[rows][in]*/, const Fp8Scale *x_scale,
                               const uint8_t *w /*[out][in]*/, const Fp8Scale *w_scale, const Real *bias,
                               Activation act, Real *pre, Real *y, int rows, int in, int out,
                               const Fp8Codes *codes /*y's; NULL: none*/);
    void (*linear_backward_input_fp8)(Ops *ops, const uint8_t *dy /*[rows][out]*/, const Fp8Scale *dy_scale,
                                      const uint8_t *w_transposed /*[in][out]*/, const Fp8Scale *w_scale,
                                      Activation act, const Real *pre, Real *dx, int rows, int in, int out,
                                      const Fp8Codes *codes /*dx's; NULL: none*/);
};

/* The reference backend: plain memory, OpenMP with `threads` threads (at least 1). In FP32; with `type` set to
 * REAL_BF16 afterwards it rounds where a device with BF16 activations does. */
void ops_cpu(Ops *ops, int threads);

/* Takes the first failure out of the table (NULL: none); operations run again afterwards. */
Status ops_error(Ops *ops) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
