/* SPDX-License-Identifier: Apache-2.0 */
/* A masked autoencoder (He et al., arXiv 2111.06377). */
#ifndef FOVEA_MODEL_MAE_H
#define FOVEA_MODEL_MAE_H

#include "base/arena.h"
#include "model/input.h"
#include "model/params.h"

/* The order of patches by `noise` [patches]: ids = argsort(noise), the first `keep` stay visible. */
void mae_shuffle(const float *noise, int patches, int32_t *ids);

typedef struct Mae Mae;

/* Adds what mae_open() would take to two measuring arenas: of the host's memory, and of a device's, whose operations
 * work in `type`. *params receives the table's numbers without its list and arrays. */
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

/* input_upload() to the model's slots. */
Status mae_upload(Mae *mae, int slot, Stream *stream, const ModelInput *host, ModelInput *input) MUST_USE;
/* Bytes that mae_upload() has copied so far. */
uint64_t mae_uploaded_bytes(const Mae *mae);

/* Forward pass. Failures are kept in the table (ops_error()). */
void mae_forward(Mae *mae, const ModelInput *input);
/* Where the device keeps the loss of the last backward pass. */
const double *mae_loss_memory(const Mae *mae);
/* Computes and waits for the loss of the last forward pass, over its input: its batch's masked pixel loss, or the
 * failure of an operation in it. */
Status mae_loss(Mae *mae, double *loss) MUST_USE;
/* The same of each sample of that pass by itself, losses [batch], whose mean that is. */
Status mae_losses(Mae *mae, double *losses) MUST_USE;
/* Gradient of grad_scale x the loss of the last forward pass, over the same input: into the parameters' grad, added
 * when `add`. */
void mae_backward(Mae *mae, const ModelInput *input, float grad_scale, bool add);

/* Encodes at most mae_whole_batch() images with every patch visible, of a model with shape.whole, and returns what the
 * pool makes of the tokens after the encoder's norm: [batch][dim], in the device's memory. It takes the place of the
 * encoder's activations; the input's ids are not used. */
const float *mae_encode(Mae *mae, const ModelInput *input);
/* As many whole images as have as many tokens as the visible patches of a batch, at least 1. */
int mae_whole_batch(const ModelShape *shape);

/* Results of the last forward pass, in the device's memory: model_read() takes Real ones to the host. */
const Real *mae_prediction(const Mae *mae); /* [batch][1 + patches][3 p p], row 0 the class token's */
const Real *mae_latent(const Mae *mae);     /* [batch][1 + keep][dim], after the encoder's norm */
/* Targets of the last pass, as cut from the image: [batch][patches - keep][3 p p], in the order of ids. */
const float *mae_target(const Mae *mae);

/* Calls `visit` for each activation of the last forward pass: for naming the first tensor that is not finite. */
void mae_visit(const Mae *mae, ActivationVisit visit, void *context);

#endif
