/* SPDX-License-Identifier: Apache-2.0 */
/* Initial values of the models' parameters, by their names. */
#ifndef FOVEA_MODEL_INIT_H
#define FOVEA_MODEL_INIT_H

#include "model/model.h"
#include "model/params.h"

/* MAE's initialisation: linear weights Xavier-uniform, biases 0, norms 1 and 0, tokens N(0, 0.02), patch embedding's
 * weight Xavier-uniform over [dim][3 p p] and its bias U(+-1/sqrt(3 p p)), sin-cos positions; a head's weight
 * N(0, 2e-5), as where MAE is fine-tuned; LayerScale 1e-5, as DINOv2's. Tensor i's values depend on `seed` and i alone.
 */
Status init_params(const Params *params, const ModelShape *shape, uint64_t seed, Ops *ops) MUST_USE;

#endif
