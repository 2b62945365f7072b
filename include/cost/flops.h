/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point operations of the masked autoencoder, and of the ViT, whose shape has no decoder: the one place that
 * counts them. */
#ifndef FOVEA_COST_FLOPS_H
#define FOVEA_COST_FLOPS_H

#include "model/model.h"

/* Of one image: the forward pass; forward and backward together, as in a training step. Only matrix products count,
 * with one for each multiplication and one for each addition; recomputed activations do not. */
double flops_forward(const ModelShape *shape);
double flops_training(const ModelShape *shape);
/* Model FLOPs utilisation (Chowdhery et al., arXiv 2204.02311), 0 .. 1: the share of a chip's `peak` (peak.h) that
 * training at that rate takes. NAN where the peak is. */
double flops_mfu(const ModelShape *shape, double images_per_s, double peak);

#endif
