/* SPDX-License-Identifier: Apache-2.0 */
/* The operations: what each computes, its arguments, and at the end the list of all. The table (ops.h), the backends,
 * the profiler and the checks are made from the list, so an operation that lacks one of them does not build.
 *
 * Every operation is called as NAME(ops, &(Arguments){.field = ...}); a field that is not given is zero. A pointer may
 * be NULL only where its comment says so; the shape of each tensor is in its comment. Inputs come first, then results,
 * sizes and options. */
#ifndef FOVEA_OPS_OPERATIONS_H
#define FOVEA_OPS_OPERATIONS_H

#include "ops/types.h"

/* --- Linear layers and activations */

/* y = act(x w^T + bias). `bias` may be NULL. With an activation, `pre` receives x w^T + bias for the gradient. */
typedef struct {
    const Real *x;    /* [rows][in] */
    const Real *w;    /* [out][in] */
    const Real *bias; /* [out] */
    Activation act;
    Real *pre; /* [rows][out] */
    Real *y;   /* [rows][out] */
    int rows, in, out;
} LinearForward;

/* dx = dy w, times act'(pre) where the layer's input was x = act(pre); `pre` is NULL with ACTIVATION_NONE. */
typedef struct {
    const Real *dy; /* [rows][out] */
    const Real *w;  /* [out][in] */
    Activation act;
    const Real *pre; /* [rows][in] */
    Real *dx;        /* [rows][in] */
    int rows, in, out;
} LinearBackwardInput;

/* dw = dy^T x and dbias (may be NULL) = column sums of dy; with `add` they are added to what is there. */
typedef struct {
    const Real *dy; /* [rows][out] */
    const Real *x;  /* [rows][in] */
    float *dw;      /* [out][in] */
    float *dbias;   /* [out] */
    bool add;
    int rows, in, out;
} LinearBackwardWeight;

/* y = act(x); the linear layers fuse the same. `y` may be x. */
typedef struct {
    const Real *x; /* [count] */
    Activation act;
    Real *y; /* [count] */
    size_t count;
} GeluForward;

/* dx = dy act'(x). `dx` may be dy. */
typedef struct {
    const Real *dy, *x; /* [count] */
    Activation act;
    Real *dx; /* [count] */
    size_t count;
} GeluBackward;

/* --- Norms and attention */

/* sum = x + keep[sample] * scale * branch; y = (sum - mean) * rstd * weight + bias (LayerNorm, Ba et al., arXiv
 * 1607.06450; variance over `dim`, biased). branch NULL: sum is x itself and is not written. scale (LayerScale, Touvron
 * et al., arXiv 2103.17239) and keep (drop-path: 0 or 1/(1-p) per sample, Huang et al., arXiv 1603.09382) may be NULL.
 * y NULL: only the sum; weight, bias, mean and rstd are not used then. `sum` may be x. */
typedef struct {
    const Real *x;       /* [rows][dim] */
    const Real *branch;  /* [rows][dim] */
    const float *scale;  /* [dim] */
    const float *keep;   /* [rows / rows_per_sample] */
    int rows_per_sample; /* used with keep */
    const float *weight; /* [dim] */
    const float *bias;   /* [dim] */
    float eps;
    Real *sum;   /* [rows][dim] */
    Real *y;     /* [rows][dim] */
    float *mean; /* [rows] */
    float *rstd; /* [rows] */
    int rows, dim;
    const Fp8Codes *codes; /* of y; NULL: none */
} NormForward;

/* The gradient of norm_forward. `dy` reaches y, `dsum` (may be NULL) reaches sum through the residual path. dx = dsum +
 * the gradient through the norm; it may be dsum. dbranch = keep * scale * dx; it is NULL without a branch, or with
 * neither scale nor keep (it would be dx). dweight, dbias and dscale (NULL: none) are added to when `add`; `branch` is
 * read only for dscale. `sum` is the input of the norm. */
typedef struct {
    const Real *dy;      /* [rows][dim] */
    const Real *dsum;    /* [rows][dim] */
    const Real *sum;     /* [rows][dim] */
    const float *mean;   /* [rows] */
    const float *rstd;   /* [rows] */
    const float *weight; /* [dim] */
    const Real *branch;  /* [rows][dim] */
    const float *scale;  /* [dim] */
    const float *keep;   /* [rows / rows_per_sample] */
    int rows_per_sample; /* used with keep */
    Real *dx;            /* [rows][dim] */
    Real *dbranch;       /* [rows][dim] */
    float *dweight;      /* [dim] */
    float *dbias;        /* [dim] */
    float *dscale;       /* [dim] */
    bool add;
    int rows, dim;
    const Fp8Codes *codes; /* of dx; NULL: none */
} NormBackward;

/* The gradient of keep * scale * branch where no norm follows the sum, from dx, the sum's: dbranch = keep * scale * dx,
 * and dscale as in norm_backward. scale and keep may be NULL, dscale, too; `branch` is read only for dscale. */
typedef struct {
    const Real *dx;      /* [rows][dim] */
    const Real *branch;  /* [rows][dim] */
    const float *scale;  /* [dim] */
    const float *keep;   /* [rows / rows_per_sample] */
    int rows_per_sample; /* used with keep */
    Real *dbranch;       /* [rows][dim] */
    float *dscale;       /* [dim] */
    bool add;
    int rows, dim;
} BranchBackward;

/* out = softmax(q k^T / sqrt(head)) v for each sample and head; qkv holds q, k and v interleaved as one linear layer
 * writes them. `lse` keeps each row's log-sum-exp for the gradient. A thread holds one head's scores at a time. */
typedef struct {
    const Real *qkv; /* [batch][tokens][3][heads][head] */
    Real *out;       /* [batch][tokens][heads][head] */
    float *lse;      /* [batch][heads][tokens] */
    int batch, tokens, heads, head;
} AttentionForward;

typedef struct {
    const Real *dout; /* as out */
    const Real *qkv;
    const Real *out;
    const float *lse;
    Real *dqkv; /* as qkv */
    int batch, tokens, heads, head;
} AttentionBackward;

/* --- Patches and tokens */

/* Crops and resizes each sample's part of its image as resize_pixels() does, alters it by its look, normalises (v / 255
 * - mean) / std per channel, and cuts the result into patches. `ids` lists each sample's patches, the `keep` visible
 * ones first. visible: channel slowest (c, y, x), the order of the patch embedding's convolution weight; target: the
 * other patches in the order of ids, channel fastest (y, x, c), the order of the decoder's prediction. target may be
 * NULL. */
typedef struct {
    const ImageSet *images; /* host memory */
    const int32_t *ids;     /* [batch][patches] */
    int keep;
    const float *mean, *std; /* [3], host memory */
    const Look *looks;       /* [batch]; NULL: nothing is altered */
    int size, patch;         /* sides of the resized image and of a patch */
    Real *visible;           /* [batch][keep][3*patch*patch] */
    float *target;           /* [batch][patches-keep][3*patch*patch] */
    int batch;
} PixelsToPatches;

/* The same from images that are already normalised. */
typedef struct {
    const float *image; /* [batch][3][size][size] */
    const int32_t *ids;
    int keep, size, patch;
    Real *visible;
    float *target;
    int batch;
} ImageToPatches;

/* out[0] = cls + pos[0]; out[1+j] = x[j] + pos[1+ids[j]]: adds the position to the visible patches. */
typedef struct {
    const Real *x;      /* [batch][keep][dim] */
    const float *cls;   /* [dim] */
    const float *pos;   /* [1+patches][dim] */
    const int32_t *ids; /* [batch][patches] */
    Real *out;          /* [batch][1+keep][dim] */
    int batch, patches, keep, dim;
} EmbedForward;

/* dx, dcls and dpos (NULL: the position embedding is fixed); dcls and dpos are added to when `add`. */
typedef struct {
    const Real *dout;
    const int32_t *ids;
    Real *dx;
    float *dcls, *dpos;
    bool add;
    int batch, patches, keep, dim;
} EmbedBackward;

/* out[0] = x[0] + pos[0]; out[1+ids[j]] = (j < keep ? x[1+j] : mask_token) + pos[1+ids[j]]: puts the visible tokens
 * back to their places and the mask token everywhere else. */
typedef struct {
    const Real *x;           /* [batch][1+keep][dim] */
    const float *mask_token; /* [dim] */
    const float *pos;        /* [1+patches][dim] */
    const int32_t *ids;      /* [batch][patches] */
    Real *out;               /* [batch][1+patches][dim] */
    int batch, patches, keep, dim;
} RestoreForward;

/* dx and dmask_token, which is added to when `add`. */
typedef struct {
    const Real *dout;
    const int32_t *ids;
    Real *dx;
    float *dmask_token;
    bool add;
    int batch, patches, keep, dim;
} RestoreBackward;

/* y = mean over the tokens after the first (the class token), or the first alone, of the last residual sum: x +
 * keep[sample] * scale * branch, as norm_forward's, which is not stored; branch NULL: x is that sum. FP32, as what
 * follows it is. scale and keep may be NULL. */
typedef struct {
    const Real *x;      /* [batch][tokens][dim] */
    const Real *branch; /* [batch][tokens][dim] */
    const float *scale; /* [dim] */
    const float *keep;  /* [batch] */
    Pool pool;
    float *y; /* [batch][dim] */
    int batch, tokens, dim;
} PoolForward;

/* The gradient of the sum, zero for the tokens that are not seen. */
typedef struct {
    const float *dy;
    Pool pool;
    Real *dx;
    int batch, tokens, dim;
} PoolBackward;

/* --- Losses. `loss` receives this batch's mean, and the gradient is that of grad_scale times it. A head's losses sum
 * over the labels that are known (not NaN) and divide by *known, which the caller has counted: over this batch, or over
 * a larger one's share of which this is a part. Where it is 0, so are loss and gradient. */

/* Mean over the masked patches of the mean squared difference; with `normalise` the target is first made
 * (t - mean) / sqrt(var + 1e-6), var unbiased over a patch (He et al., arXiv 2111.06377). Row 0 of pred is the class
 * token's and is ignored. dpred (NULL: only the loss) is zero on visible patches and the class token. */
typedef struct {
    const Real *pred;    /* [batch][1+patches][dim] */
    const float *target; /* [batch][patches-keep][dim] */
    const int32_t *ids;  /* [batch][patches] */
    bool normalise;
    float grad_scale;
    double *loss;
    Real *dpred; /* as pred */
    int batch, patches, keep, dim;
} MaskedPixelLoss;

/* Cross-entropy with label smoothing s and a weight for each class, combined as PyTorch does: the sum over samples of
 * (1-s) weights[label] (-log p[label]) + s / classes sum over c of weights[c] (-log p[c]). PyTorch's mean is that with
 * *known = the sum of weights[label]. */
typedef struct {
    const Real *logits;   /* [batch][classes] */
    const float *labels;  /* [batch] the class's number */
    const float *weights; /* [classes] */
    const double *known;
    float smoothing, grad_scale;
    double *loss;
    Real *dlogits; /* as logits; NULL: only the loss */
    int batch, classes;
} CrossEntropyLoss;

/* Binary cross-entropy of each output: weights[k] t (-log p) + (1 - t) (-log(1 - p)), p = 1 / (1 + exp(-logit)). The
 * target t is a label of its own; `ordinal`: the sample's only label is a class of outputs + 1, and t = 1 where it
 * exceeds k. */
typedef struct {
    const Real *logits;  /* [batch][outputs] */
    const float *labels; /* as logits, 0 .. 1; [batch] when ordinal */
    bool ordinal;
    const float *weights; /* [outputs] */
    const double *known;
    float grad_scale;
    double *loss;
    Real *dlogits; /* as logits; NULL: only the loss */
    int batch, outputs;
} BinaryLoss;

/* Squared error of each output. */
typedef struct {
    const Real *pred;    /* [batch][outputs] */
    const float *target; /* as pred */
    const double *known;
    float grad_scale;
    double *loss;
    Real *dpred; /* as pred; NULL: only the loss */
    int batch, outputs;
} RegressionLoss;

/* --- Gradient, guard and update */

/* norm = sqrt(sum of squares), summed in double; inf or NaN where an element is. */
typedef struct {
    const float *x; /* [count] */
    size_t count;
    float *norm;
} GlobalNorm;

/* The index of the first element that is not finite, or `count`. */
typedef struct {
    const Real *x; /* [count], elements of `type` instead of the table's */
    RealType type;
    size_t count;
    uint64_t *first;
} FindNonfinite;

/* Checks a step by the mean of its micro-batches' losses and by its gradient's norm. A loss that is not finite, a spike
 * and a norm that is not finite are not sound. A sound step counts as applied and *gate = *norm; when this step or an
 * earlier one since the last halt is not sound, *gate = NaN, which makes adamw do nothing. */
typedef struct {
    const double *losses; /* [count] */
    int count;
    const float *norm;
    StepState *state;
    float *gate;
} CheckStep;

/* AdamW with decoupled decay (Loshchilov & Hutter, arXiv 1711.05101) over all segments at once: gradient scaled by
 * min(1, clip / norm), m += weight1 * (g - m), v += weight2 * (g^2 - v),
 * p -= lr * lr_scale * (weight_decay * p + m/bias1 / (sqrt(v/bias2) + eps)); with DECAY_FIRST l2sp * (p - first) takes
 * the place of weight_decay * p. Does nothing when *norm is not finite. Segments ascend and do not overlap; elements in
 * none stay as they are. */
typedef struct {
    float *param;       /* [count] */
    const float *first; /* [count]; NULL: no segment has DECAY_FIRST */
    uint16_t *rounded;  /* [count] receives the new parameters in BF16; NULL: not needed */
    const float *grad;  /* [count] */
    float *m, *v;       /* [count] */
    size_t count;
    const AdamwSegment *segments; /* [segment_count] */
    int segment_count;
    const AdamwValues *values;
    const float *norm;
} Adamw;

/* --- Monitors: what is seen of a step beside its loss */

/* Sums up a tensor's values. */
typedef struct {
    const Real *x; /* [count], elements of `type` instead of the table's */
    RealType type;
    size_t count;
    TensorSummary *summary;
} SummariseTensor;

/* Sums up what the last adamw took from elements offset .. offset + count - 1, computed again from its results: the
 * same arguments as adamw had, before anything else has changed them. With r = lr * lr_scale, d = weight_decay or l2sp
 * and s = m/bias1 / (sqrt(v/bias2) + eps), p_old - p = r * (s + d * (p - first)) / (1 - r * d). It is 0 for elements in
 * no segment, and for all when *norm is not finite. */
typedef struct {
    const float *param; /* after the update */
    const float *first; /* NULL: no segment has DECAY_FIRST */
    const float *m, *v;
    size_t offset, count;
    const AdamwSegment *segments; /* [segment_count] */
    int segment_count;
    const AdamwValues *values;
    const float *norm;
    TensorSummary *summary;
} SummariseUpdate;

/* The number of columns without a value above 0: units of an MLP that no token activates, where x is the activation's
 * input. A unit with a NaN is not idle. */
typedef struct {
    const Real *x; /* [rows][columns] */
    int rows, columns;
    int32_t *idle;
} CountIdleUnits;

/* peaks[key] = the number of queries, over all samples and heads, whose softmax weight of this key is over
 * ATTENTION_PEAK. `lse` is attention_forward's. */
typedef struct {
    const Real *qkv;  /* [batch][tokens][3][heads][head] */
    const float *lse; /* [batch][heads][tokens] */
    int batch, tokens, heads, head;
    int32_t *peaks; /* [tokens] */
} CountAttentionPeaks;

/* --- Types */

/* FP32 to BF16: round to nearest, ties to even; NaN stays NaN, quiet. */
typedef struct {
    const float *x; /* [count] */
    uint16_t *y;    /* [count] */
    size_t count;
} CastToBf16;

typedef struct {
    const uint16_t *x; /* [count] */
    float *y;          /* [count] */
    size_t count;
} CastFromBf16;

/* Begins a step for the scales: no value has been seen in it; a scale without history is not known. */
typedef struct {
    Fp8Scale *scales; /* [count] */
    int count;
} BeginFp8;

/* Ends it: amax goes into the history, unless it is 0 or not finite, and chooses the next step's scale; overflows are
 * counted. Does nothing when *gate (gate NULL: no gate) is not finite, as adamw. */
typedef struct {
    Fp8Scale *scales; /* [count] */
    int count;
    const float *gate;
} UpdateFp8;

/* Takes a scale that is not known from the tensor itself; does nothing for one that is known. */
typedef struct {
    const Real *x; /* [count] */
    Fp8Scale *scale;
    size_t count;
} MeasureFp8;

/* y = fp8(x * scale), to nearest, ties to even, saturated beyond the largest value, NaN kept. Joins amax and saturated,
 * unless the tensor was `seen` before. */
typedef struct {
    const Real *x; /* [rows][columns] */
    Fp8Scale *scale;
    bool seen;
    uint8_t *y;          /* [rows][columns] */
    uint8_t *transposed; /* [columns][rows], the same codes; NULL: not needed */
    int rows, columns;
} QuantiseFp8;

/* linear_forward on the values of FP8 codes, x and w in E4M3. A GPU has it in BF16 only, and there the product's sums
 * are less precise than FP32's (fast accumulation). The new codes may overwrite those of x. */
typedef struct {
    const uint8_t *x; /* [rows][in] */
    const Fp8Scale *x_scale;
    const uint8_t *w; /* [out][in] */
    const Fp8Scale *w_scale;
    const Real *bias;
    Activation act;
    Real *pre, *y;
    int rows, in, out;
    const Fp8Codes *codes; /* of y; NULL: none */
} LinearForwardFp8;

/* linear_backward_input on the values of FP8 codes, dy in E5M2 and the transposed w in E4M3. dy w is stored before it
 * is multiplied by act'(pre). A GPU has it in BF16 only. The new codes may overwrite those of dy. */
typedef struct {
    const uint8_t *dy; /* [rows][out] */
    const Fp8Scale *dy_scale;
    const uint8_t *w_transposed; /* [in][out] */
    const Fp8Scale *w_scale;
    Activation act;
    const Real *pre;
    Real *dx;
    int rows, in, out;
    const Fp8Codes *codes; /* of dx; NULL: none */
} LinearBackwardInputFp8;

/* Each operation and its arguments, as X(name, Arguments). */
#define OPERATIONS(X)                                                                                                  \
    X(linear_forward, LinearForward)                                                                                   \
    X(linear_backward_input, LinearBackwardInput)                                                                      \
    X(linear_backward_weight, LinearBackwardWeight)                                                                    \
    X(gelu_forward, GeluForward)                                                                                       \
    X(gelu_backward, GeluBackward)                                                                                     \
    X(norm_forward, NormForward)                                                                                       \
    X(norm_backward, NormBackward)                                                                                     \
    X(branch_backward, BranchBackward)                                                                                 \
    X(attention_forward, AttentionForward)                                                                             \
    X(attention_backward, AttentionBackward)                                                                           \
    X(pixels_to_patches, PixelsToPatches)                                                                              \
    X(image_to_patches, ImageToPatches)                                                                                \
    X(embed_forward, EmbedForward)                                                                                     \
    X(embed_backward, EmbedBackward)                                                                                   \
    X(restore_forward, RestoreForward)                                                                                 \
    X(restore_backward, RestoreBackward)                                                                               \
    X(pool_forward, PoolForward)                                                                                       \
    X(pool_backward, PoolBackward)                                                                                     \
    X(masked_pixel_loss, MaskedPixelLoss)                                                                              \
    X(cross_entropy_loss, CrossEntropyLoss)                                                                            \
    X(binary_loss, BinaryLoss)                                                                                         \
    X(regression_loss, RegressionLoss)                                                                                 \
    X(global_norm, GlobalNorm)                                                                                         \
    X(find_nonfinite, FindNonfinite)                                                                                   \
    X(check_step, CheckStep)                                                                                           \
    X(adamw, Adamw)                                                                                                    \
    X(summarise_tensor, SummariseTensor)                                                                               \
    X(summarise_update, SummariseUpdate)                                                                               \
    X(count_idle_units, CountIdleUnits)                                                                                \
    X(count_attention_peaks, CountAttentionPeaks)                                                                      \
    X(cast_to_bf16, CastToBf16)                                                                                        \
    X(cast_from_bf16, CastFromBf16)                                                                                    \
    X(begin_fp8, BeginFp8)                                                                                             \
    X(update_fp8, UpdateFp8)                                                                                           \
    X(measure_fp8, MeasureFp8)                                                                                         \
    X(quantise_fp8, QuantiseFp8)                                                                                       \
    X(linear_forward_fp8, LinearForwardFp8)                                                                            \
    X(linear_backward_input_fp8, LinearBackwardInputFp8)

#endif
