/* SPDX-License-Identifier: Apache-2.0 */
/* What the models share: a masked autoencoder (mae.h) and a ViT with a head (vit.h), both on the same transformer
 * blocks, written against the table of operations. */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H

#include "base/status.h"
#include "ops/ops.h"

/* Which of a block's activations are not kept for the backward pass but computed again in it: none; those that its
 * norms and its GELU write, which are quick to compute and 12 of 32 bytes a token and channel in BF16; all except the
 * block's input. The results are the same to the bit, except for a tanh GELU that a device computes within the product,
 * unrounded. */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_NORMS, RECOMPUTE_BLOCKS } Recompute;

/* What a ViT's outputs are trained towards. */
typedef enum {
    TASK_CLASSIFY,   /* one of the classes: cross-entropy */
    TASK_MULTILABEL, /* any of the classes: binary cross-entropy of each */
    TASK_REGRESS,    /* a number of each class: squared error */
    TASK_ORDINAL     /* one of the classes, which are in order: output k says whether it exceeds k */
} Task;

typedef struct {
    int image_size, patch_size;
    int record;  /* side of the largest square records that it is given to crop; 0: none, images of image_size */
    bool cached; /* the device holds those records: the model has no space for them */
    int dim, depth, heads;
    int decoder_dim, decoder_depth, decoder_heads; /* MAE only */
    double mlp_ratio, norm_eps;
    double mask_ratio;      /* MAE only: share of patches hidden; int(patches * (1 - ratio)) stay visible */
    bool whole;             /* MAE only: the encoder also sees whole images, see mae_encode() */
    bool norm_pix_loss;     /* MAE only */
    Activation activation;  /* of the MLPs, not ACTIVATION_NONE */
    Task task;              /* ViT only */
    int classes;            /* ViT only: classes, labels or numbers */
    double label_smoothing; /* ViT only, TASK_CLASSIFY */
    Pool pool;              /* of a ViT, and of an MAE's whole images */
    bool layer_scale;       /* ViT only: LayerScale after attention and MLP */
    double drop_path;       /* ViT only: probability that a sample skips a branch of the last block; it rises linearly
                               from 0 in the first, see vit_draw_keep() */
    bool looks;             /* samples of records or pixels may come with a look: ViT only */
    int frozen; /* ViT only: first blocks that are never trained, nor the embeddings; depth + 1: nor the norm after the
                   last block. Backward passes end there. 0: all is trained */
    Recompute recompute;
    int batch; /* samples that a forward pass takes at most (the micro-batch) */
    bool fp8;  /* the linear layers of the encoder's blocks in FP8, except the first block's and the last's (of two
                  only the first's); the operations are in BF16. Params.fp8 then says what to do at each step (fp8.h) */
} ModelShape;

/* EXIT_USAGE for a shape that cannot be, saying why (patch divides image, heads divide dim, dim divisible by 4, ...).
 */
Status model_check(const ModelShape *shape, bool mae) MUST_USE;

/* Patches of an image; values of a patch. */
static inline int shape_patches(const ModelShape *shape) {
    int grid = shape->image_size / shape->patch_size;
    return grid * grid;
}
static inline int shape_patch_dim(const ModelShape *shape) {
    return 3 * shape->patch_size * shape->patch_size;
}

/* Outputs of a ViT's head, and the numbers that label a sample; 0 without a head. */
static inline int shape_outputs(const ModelShape *shape) {
    return shape->classes - (shape->task == TASK_ORDINAL);
}
static inline int shape_labels(const ModelShape *shape) {
    const bool one = shape->task == TASK_CLASSIFY || shape->task == TASK_ORDINAL;
    return one && shape->classes ? 1 : shape->classes;
}

/* ImageNet's channel means and standard deviations: a pixel v enters a model as (v / 255 - mean) / std. */
extern const float image_mean[3], image_std[3];

/* Waits, and copies `count` elements of a model's Real tensor to the host, widened to float. */
Status model_read(const Ops *ops, const Real *values, size_t count, float *out) MUST_USE;

/* A tensor of a forward pass. */
typedef struct {
    const char *name; /* "blocks.3.mlp.fc1" */
    const Real *values;
    size_t count;
    int units;                         /* where it is the input of an MLP's activation, [rows][units]; else 0 */
    const AttentionForward *attention; /* whose result it is; NULL: no attention's */
} VisitedTensor;

/* A visitor of activations in order of computation; false ends the visit. */
typedef bool (*ActivationVisit)(void *context, const VisitedTensor *tensor);

#endif
