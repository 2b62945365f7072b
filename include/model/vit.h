/* SPDX-License-Identifier: Apache-2.0 */
/* A ViT classifier (Dosovitskiy et al., arXiv 2010.11929) with mean pooling. */
#ifndef FOVEA_MODEL_VIT_H
#define FOVEA_MODEL_VIT_H

#include "model/input.h"
#include "model/params.h"

typedef struct Vit Vit;

Status vit_open(const ModelShape *shape, Ops *ops, Vit **vit) MUST_USE;
void vit_close(Vit *vit);
Params *vit_params(Vit *vit);

/* input_upload() to the model's slots, and bytes that it has copied so far. */
Status vit_upload(Vit *vit, int slot, Stream *stream, const ModelInput *host, ModelInput *input) MUST_USE;
uint64_t vit_uploaded_bytes(const Vit *vit);

/* Logits: mean of the patch tokens, its own norm, a linear head. The input's ids are not used. */
void vit_forward(Vit *vit, const ModelInput *input);
const Real *vit_logits(const Vit *vit);   /* [batch][classes] */
const Real *vit_features(const Vit *vit); /* [batch][dim], what the head sees */
/* Where the caller puts the loss's gradient before vit_backward(): [batch][classes], device memory. The input is that
 * of the last forward pass. */
Real *vit_dlogits(Vit *vit);
void vit_backward(Vit *vit, const ModelInput *input, bool add);

#endif
