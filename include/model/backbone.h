/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder that a masked autoencoder and a ViT share, alone and forward only: for features. Its parameters have
 * neither gradients nor moments, and all blocks compute in one block's memory. */
#ifndef FOVEA_MODEL_BACKBONE_H
#define FOVEA_MODEL_BACKBONE_H

#include "base/arena.h"
#include "model/input.h"
#include "model/params.h"

typedef struct Backbone Backbone;

/* What is made of an image's tokens. */
typedef enum {
    BACKBONE_CLS,   /* the class token after the last norm */
    BACKBONE_MEAN,  /* the mean of the patches' tokens after it */
    BACKBONE_POOLED /* a norm without parameters of the mean of the patches' tokens before it */
} BackbonePool;

/* As vit_measure() and vit_open(). `norm`: whether there is the norm after the last block, "norm", which the first two
 * pools need. Of the shape, what is of images and encoder counts. */
Status backbone_measure(const ModelShape *shape, bool norm, RealType type, bool host_memory, Arena *host,
                        Arena *arena) MUST_USE;
Status backbone_open(const ModelShape *shape, bool norm, Ops *ops, Backbone **backbone) MUST_USE;
void backbone_close(Backbone *backbone);

Params *backbone_params(Backbone *backbone);
/* As vit_init(). */
Status backbone_init(Backbone *backbone, uint64_t seed) MUST_USE;

/* input_upload() to the model's first slot, and the forward pass over it. Failures are kept in the table (ops_error()).
 */
Status backbone_upload(Backbone *backbone, const ModelInput *host, ModelInput *input) MUST_USE;
void backbone_forward(Backbone *backbone, const ModelInput *input);
/* The same, showing each block's attention, "blocks.N.attn", to `visit` while what it was computed from is there. */
void backbone_forward_watched(Backbone *backbone, const ModelInput *input, ActivationVisit visit, void *context);
/* Waits, and copies what the pool makes of the last forward pass to the host, features [batch][dim]. */
Status backbone_read(Backbone *backbone, BackbonePool pool, float *features) MUST_USE;

#endif
