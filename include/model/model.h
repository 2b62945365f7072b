/* SPDX-License-Identifier: Apache-2.0 */
/* The models: a masked autoencoder (He et al., arXiv 2111.06377) and a ViT classifier (Dosovitskiy et al., arXiv
 * 2010.11929) with mean pooling, both on the same transformer blocks, written against the table of operations. */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H

#include "base/arena.h"
#include "model/params.h"
#include "ops/ops.h"

/* What of a block's activations is not kept for the backward pass but computed again in it: nothing; what its norms and
 * its GELU write, which is quick to compute and 12 of 32 bytes a token and channel in BF16; all but the block's input.
 * The results are the same to the bit, but for a tanh GELU that a device computes within the product, unrounded. */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_NORMS, RECOMPUTE_BLOCKS } Recompute;

typedef struct {
    int image_size, patch_size;
    int record; /* MAE only: side of the largest square records that it is given to crop; 0: none, images of
                   image_size */
    bool held;  /* the device holds those records: the model keeps no room for them */
    int dim, depth, heads;
    int decoder_dim, decoder_depth, decoder_heads; /* MAE only */
    double mlp_ratio, norm_eps;
    double mask_ratio;  /* MAE only: share of patches hidden; int(patches * (1 - ratio)) stay visible */
    bool norm_pix_loss; /* MAE only */
    bool gelu_tanh;     /* the MLPs' GELU in its tanh form; else exact, by erf */
    int classes;        /* classifier only */
    Recompute recompute;
    int batch; /* samples a forward pass holds at most (the micro-batch) */
    bool fp8;  /* the linear layers of the encoder's blocks in FP8, but for the first block's and the last's (of two the
                * first's); the operations are in BF16. The parameters' `fp8` then says what to do at each step
                * (fp8.h) */
} ModelShape;

/* What a shape cannot be: EXIT_USAGE saying why (patch divides image, heads divide dim, dim divisible by 4, ...). */
Status model_check(const ModelShape *shape, bool mae) MUST_USE;

/* ImageNet's channel means and standard deviations: a pixel v enters a model as (v / 255 - mean) / std. */
extern const float image_mean[3], image_std[3];

/* The order of patches that `noise` [patches] asks for: ids = argsort(noise), the first `keep` stay visible. */
void mae_shuffle(const float *noise, int patches, int32_t *ids);

typedef struct Mae Mae;

/* What mae_open() would take, added to two measuring arenas: of the host's memory, and of a device's, whose operations
 * work in `type`. *params gets the table's numbers without its list and arrays. */
Status mae_measure(const ModelShape *shape, RealType type, bool host_memory, Arena *host, Arena *arena,
                   Params *params) MUST_USE;

/* Builds the model in one allocation. The parameters are zero until mae_init() or params_read(). */
Status mae_open(const ModelShape *shape, Ops *ops, Mae **mae) MUST_USE;
void mae_close(Mae *mae);

Params *mae_params(Mae *mae);
const ModelShape *mae_shape(const Mae *mae);
int mae_patches(const Mae *mae);
int mae_keep(const Mae *mae);

/* The reference's initialisation: linear weights Xavier-uniform, biases 0, norms 1 and 0, tokens N(0, 0.02), patch
 * embedding's weight Xavier-uniform over [dim][3 p p] and its bias U(+-1/sqrt(3 p p)), sin-cos positions. */
Status mae_init(Mae *mae, uint64_t seed) MUST_USE;

/* Where the samples of a forward pass come from: uint8 images, or images already normalised. Device memory, which
 * has to stay until the backward pass is done. */
typedef struct {
    const uint8_t *pixels; /* [batch][side][side][3], or NULL */
    int side;              /* 0: the model's image_size */
    const int32_t *which;  /* [batch] pixels is [held][side][side][3], and these of them are meant; NULL: as they lie */
    int held;
    const Crop *crops;  /* [batch] what is seen of each, as pixels_to_patches takes it; NULL: all */
    const float *image; /* [batch][3][size][size], used when pixels is NULL */
    const int32_t *ids; /* [batch][patches], each row a permutation by mae_shuffle() */
    int batch;          /* 1 .. shape.batch */
} MaeInput;

/* Rooms that the model holds for inputs: one can be filled while another is computed with. */
enum { MAE_INPUT_SLOTS = 2 };

/* An input of pixels whose pointers are the host's memory: copied, in the order of `stream`, to the model's room
 * `room`, or taken as it is where the device reads the host's memory. Crops only of records of shape.record. With
 * `which`, of a model with shape.held, pixels are the device's already and stay where they are. */
Status mae_upload(Mae *mae, int room, Stream *stream, const MaeInput *host, MaeInput *input) MUST_USE;
/* Bytes that mae_upload() has copied so far. */
uint64_t mae_uploaded_bytes(const Mae *mae);

/* Forward pass. Failures are kept in the table (ops_error()). */
void mae_forward(Mae *mae, const MaeInput *input);
/* Where the device keeps the loss of the last backward pass. */
const double *mae_loss_memory(const Mae *mae);
/* Computes and waits for the loss of the last forward pass, over its input: its batch's masked pixel loss, or what
 * failed in it. */
Status mae_loss(Mae *mae, double *loss) MUST_USE;
/* Gradient of grad_scale x the loss of the last forward pass, over the same input: into the parameters' grad, added
 * when `add`. */
void mae_backward(Mae *mae, const MaeInput *input, float grad_scale, bool add);

/* Results of the last forward pass, in the device's memory: model_read() takes Real ones to the host. */
const Real *mae_prediction(const Mae *mae); /* [batch][1 + patches][3 p p], row 0 the class token's */
const Real *mae_latent(const Mae *mae);     /* [batch][1 + keep][dim], after the encoder's norm */
/* Targets of the last pass, as cut from the image: [batch][patches - keep][3 p p], in the order of ids. */
const float *mae_target(const Mae *mae);

/* Waits, and copies `count` elements of a model's Real tensor to the host, widened to float. */
Status model_read(const Ops *ops, const Real *values, size_t count, float *out) MUST_USE;

/* Calls `visit` for each activation of the last forward pass, in order of computation, with the layer's name, until it
 * returns false: for naming the first tensor that is not finite. */
typedef bool (*ActivationVisit)(void *context, const char *layer, const Real *values, size_t count);
void mae_visit(const Mae *mae, ActivationVisit visit, void *context);

typedef struct Vit Vit;

Status vit_open(const ModelShape *shape, Ops *ops, Vit **vit) MUST_USE;
void vit_close(Vit *vit);
Params *vit_params(Vit *vit);

/* Logits of normalised images [batch][3][size][size]: mean of the patch tokens, its own norm, a linear head. All in
 * device memory. */
void vit_forward(Vit *vit, const float *image, int batch);
const Real *vit_logits(const Vit *vit);   /* [batch][classes] */
const Real *vit_features(const Vit *vit); /* [batch][dim], what the head sees */
/* Where the caller puts the loss's gradient before vit_backward(): [batch][classes], device memory. */
Real *vit_dlogits(Vit *vit);
void vit_backward(Vit *vit, int batch, bool add);

#endif
