/* SPDX-License-Identifier: Apache-2.0 */
/* The linear layers of a model that are computed in FP8: forward E4M3 by E4M3, the input's gradient E5M2 by E4M3, the
 * weight's gradient as without. Three tensors of each are scaled, by what their largest values were (ops.h, Fp8Scale);
 * the scales belong to a run's state. NULL stands for a model without any. */
#ifndef FOVEA_MODEL_FP8_H
#define FOVEA_MODEL_FP8_H

#include "base/status.h"
#include "ops/ops.h"

typedef struct Fp8 Fp8;

/* A layer's tensors, in the order of its scales. */
typedef enum { FP8_INPUT, FP8_WEIGHT, FP8_GRADIENT, FP8_TENSORS } Fp8Tensor;

/* EXIT_MISSING where there is none: on a GPU, named, of a compute capability (as in Device; 0: no GPU) that is too low.
 * The CPU and the emulator simulate it. */
Status fp8_check(const char *gpu, int capability) MUST_USE;

/* Layers, 0 for NULL; names as the parameters', "blocks.3.mlp.fc1". */
int fp8_linears(const Fp8 *fp8);
const char *fp8_name(const Fp8 *fp8, int linear);

/* Around the passes of an optimizer step. Begin takes the weights as they are now, and forgets what was seen since the
 * last end: so it also comes before forward passes that are no step's, as validation's, which then leave no trace. End
 * does nothing where *gate (device memory; NULL: no gate) keeps the update back. */
void fp8_begin(Fp8 *fp8);
void fp8_end(Fp8 *fp8, const float *gate);
/* A step was not kept back: tensors need not be looked through for their first scale any more. */
void fp8_settle(Fp8 *fp8);

/* Waits, and copies the scales from and to host memory, [linears][FP8_TENSORS]. */
Status fp8_read(const Fp8 *fp8, Fp8Scale *scales) MUST_USE;
Status fp8_write(Fp8 *fp8, const Fp8Scale *scales) MUST_USE;
/* Reads them, to tell of what overflowed: those counts start anew. */
Status fp8_tell(Fp8 *fp8, Fp8Scale *scales) MUST_USE;
/* As after the model was opened: no scale is known and every layer in FP8. */
Status fp8_reset(Fp8 *fp8) MUST_USE;

/* Whether a layer is left to the operations' own type. */
bool fp8_is_off(const Fp8 *fp8, int linear);
void fp8_turn_off(Fp8 *fp8, int linear, bool off);

/* Another number once a step takes other operations than before: what was captured is of no use then. 0 for NULL. */
int fp8_generation(const Fp8 *fp8);

#endif
