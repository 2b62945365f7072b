/* SPDX-License-Identifier: Apache-2.0 */
/* What operations take apart from plain tensors: element types, FP8 scales, images, AdamW's values, a step's state. */
#ifndef FOVEA_OPS_TYPES_H
#define FOVEA_OPS_TYPES_H

#include "image/resize.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The elements of Real tensors: float, or BF16 (the upper half of a float) as uint16_t. */
typedef enum { REAL_FP32, REAL_BF16 } RealType;
typedef void Real;

static inline size_t real_size(RealType type) {
    return type == REAL_FP32 ? sizeof(float) : sizeof(uint16_t);
}

/* GELU (Hendrycks & Gimpel, arXiv 1606.08415): exact, x * Phi(x) by erf, or the tanh approximation. */
typedef enum { ACTIVATION_NONE, ACTIVATION_GELU_ERF, ACTIVATION_GELU_TANH } Activation;

/* What a head sees of a sample's tokens: the mean of the patches, or the class token alone. */
typedef enum { POOL_MEAN, POOL_CLS } Pool;

/* FP8 formats (Micikevicius et al., arXiv 2209.05433): largest values 448 and 57344. */
typedef enum { FP8_E4M3, FP8_E5M2 } Fp8Format;

/* Steps whose largest values choose a scale. The next step rarely exceeds the largest of 64, and then by less than the
 * factor of up to two that a power of two leaves. Where tensors shrink, as gradients do after the warm-up, their scale
 * follows within 64 steps. */
enum { FP8_HISTORY = 64 };

/* Binary orders by which E5M2 stays below its largest value. Its 30 are more than gradients need, and gradients grow:
 * in a ViT-Tiny MAE's first hundred steps some 16 times within 16 steps. E4M3 has no order to spare. */
enum { FP8_MARGIN = 4 };

/* How one tensor is scaled into FP8, from step to step (delayed scaling), in device memory. The scale is the largest
 * power of two that leaves the largest value of the last FP8_HISTORY steps within the format and its margin, so that
 * multiplying by it and by its inverse rounds nothing; it is between 2^-60 and 2^60. A step begins with begin_fp8() and
 * ends with update_fp8(). Before the first step all is zero except the format. */
typedef struct {
    float scale;            /* factor of the values; 0: not known yet, which counts as 1 */
    float inverse;          /* 1 / scale: factor of the products of the codes */
    float amax;             /* the largest size among the step's values so far; not finite where one of them is not */
    uint32_t saturated;     /* the step's values so far that were beyond the format's largest */
    int32_t format;         /* Fp8Format */
    int32_t position;       /* of the next step's amax in the history */
    uint32_t recent;        /* the last 32 steps, newest in bit 0: whether values saturated or were not finite */
    uint32_t overflows;     /* such steps since the last report, */
    uint64_t all_saturated; /* and values that saturated since then */
    float history[FP8_HISTORY]; /* amax of steps, except those where it was 0 or not finite; 0: none yet */
} Fp8Scale;

/* Where an operation also writes the FP8 codes of a tensor that it computes, the same that quantise_fp8() of the stored
 * tensor gives: made while the values are at hand, they cost a byte each. `scale` must be known. */
typedef struct {
    Fp8Scale *scale;
    bool seen; /* see quantise_fp8 */
    uint8_t *y;
} Fp8Codes;

/* Images of one size, in bytes, and the part of them that each sample sees. Device memory. */
typedef struct {
    const uint8_t *pixels; /* [count][height][width][3] */
    int count, height, width;
    const int32_t *which; /* [batch] the image of each sample; NULL: its own, count is the batch */
    const Crop *crops;    /* [batch] the part of it; NULL: all */
} ImageSet;

/* How a sample's resized image is altered: a level of channel c becomes the sum over k of colour[c][k] * level[k], plus
 * colour[c][3], in levels and without a limit to them; then pixels of a rectangle, which may be empty, become the
 * value 0 of all channels. */
typedef struct {
    float colour[3][4];
    int32_t top, left, height, width;
} Look;

/* What parameters are pulled to beside their gradient: nothing, 0 (weight decay), or their first values (L2-SP, Li et
 * al., arXiv 1802.01483). */
typedef enum { DECAY_NONE, DECAY_ZERO, DECAY_FIRST } AdamwDecay;

/* A run of parameters that AdamW treats alike. */
typedef struct {
    size_t offset, count; /* into the parameter, gradient and moment arrays */
    float lr_scale;       /* layer-wise rate decay; 1 without */
    AdamwDecay decay;
} AdamwSegment;

typedef struct {
    float lr, eps;
    float weight_decay, l2sp; /* of DECAY_ZERO and of DECAY_FIRST */
    float weight1, weight2;   /* 1 - beta1, 1 - beta2, rounded once: a rounded beta leaves 1.0f - beta up to 3e-5 off */
    float bias1, bias2;       /* 1 - beta1^t, 1 - beta2^t, t counted from 1 */
    float clip;               /* largest global norm; 0: no clipping */
} AdamwValues;

/* Whether a step may be applied. check_step looks for faults in this order; for the last one, a parameter that is not
 * finite after the update, the trainer looks itself. */
typedef enum { VERDICT_SOUND, VERDICT_LOSS, VERDICT_SPIKE, VERDICT_GRADIENT, VERDICT_PARAMETERS } StepVerdict;

/* The history that check_step decides by. It is in device memory, so that each step is checked before its update while
 * the host has already queued the next. */
typedef struct {
    double spike;    /* a loss over this many times the mean is a spike; 0: off */
    int64_t settled; /* applied steps before which no loss is a spike */
    double mean;     /* running mean of the applied steps' losses: 0.98 of the old one; NaN: none yet */
    int64_t applied; /* steps */
    double loss;     /* of the last step, and its gradient's norm and verdict */
    float norm;
    int32_t verdict;
    int32_t halted; /* set by a step that is not sound: no further step is applied until the host clears it */
} StepState;

/* What a tensor's values are like. Those of parts are added up, `largest` but compared. */
typedef struct {
    double squares; /* the sum of the squares of the finite values */
    double largest; /* size among them; 0: there is none */
    uint64_t zeros, nonfinite;
} TensorSummary;

/* A softmax weight over this is a peak: the query sees hardly more than one key. Two of a query's cannot be. */
#define ATTENTION_PEAK 0.99f

#endif
