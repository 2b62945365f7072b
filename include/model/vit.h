/* SPDX-License-Identifier: Apache-2.0 */
/* A ViT classifier (Dosovitskiy et al., arXiv 2010.11929) with mean pooling. */
#ifndef FOVEA_MODEL_VIT_H
#define FOVEA_MODEL_VIT_H

#include "model/model.h"
#include "model/params.h"

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
