/* SPDX-License-Identifier: Apache-2.0 */
/* The linear layers of a model that are computed in FP8: forward E4M3 by E4M3, the input's gradient E5M2 by E4M3, the
 * weight's gradient as without FP8. Three tensors of each layer are scaled by the largest values they had (Fp8Scale);
 * the scales belong to a run's state. NULL stands for a model without such layers. */
#ifndef FOVEA_MODEL_FP8_H
#define FOVEA_MODEL_FP8_H

#include "base/arena.h"
#include "base/status.h"
#include "model/params.h"
#include "ops/ops.h"

typedef struct Fp8 Fp8;

/* A layer's tensors, in the order of its scales. */
typedef enum { FP8_INPUT, FP8_WEIGHT, FP8_GRADIENT, FP8_TENSORS } Fp8Tensor;

/* EXIT_MISSING on a GPU (its name and compute capability, as in Device) that has no FP8. The CPU (capability 0) and the
 * emulator simulate it. */
Status fp8_check(const char *gpu, int capability) MUST_USE;

/* The number of layers, 0 for NULL; names as the parameters', "blocks.3.mlp.fc1". */
int fp8_linears(const Fp8 *fp8);
const char *fp8_name(const Fp8 *fp8, int linear);

/* Around the passes of an optimizer step. Begin quantises the weights as they are now and forgets what was seen since
 * the last end; so it also comes before forward passes outside a step, such as validation's, which then leave no trace.
 * End does nothing where *gate (device memory; NULL: no gate) is not finite. */
void fp8_begin(Fp8 *fp8);
void fp8_end(Fp8 *fp8, const float *gate);
/* After the first step that was applied: every scale is known, so tensors are no longer measured for one. */
void fp8_settle(Fp8 *fp8);

/* Waits, and copies the scales from and to host memory, [linears][FP8_TENSORS]. */
Status fp8_read(const Fp8 *fp8, Fp8Scale *scales) MUST_USE;
Status fp8_write(Fp8 *fp8, const Fp8Scale *scales) MUST_USE;
/* Reads the scales and resets the overflow counters. */
Status fp8_read_overflows(Fp8 *fp8, Fp8Scale *scales) MUST_USE;
/* As after the model was opened: no scale is known and every layer is in FP8. */
Status fp8_reset(Fp8 *fp8) MUST_USE;

/* Whether a layer is computed in the operations' own type instead. */
bool fp8_is_off(const Fp8 *fp8, int linear);
void fp8_turn_off(Fp8 *fp8, int linear, bool off);

/* Changes when a step takes other operations than before: graphs captured before that are of no use. 0 for NULL. */
int fp8_generation(const Fp8 *fp8);

/* --- For the model's own layers */

/* Space for at most `capacity` layers, whose weights are in `params`; ops and params are borrowed. */
Status fp8_open(Ops *ops, const Params *params, int capacity, Fp8 **fp8) MUST_USE;
void fp8_close(Fp8 *fp8);
/* Empties the list of layers. */
void fp8_clear(Fp8 *fp8);
/* Takes codes and scales from an arena of the device's memory, for inputs of `rows` rows. */
void fp8_place(Fp8 *fp8, Arena *arena, size_t rows);
/* While `again`, tensors that this step has already seen are computed a second time: they are not counted twice. */
void fp8_repeat(Fp8 *fp8, bool again);

typedef struct Fp8Layer Fp8Layer;

/* A further layer; NULL without FP8. */
Fp8Layer *fp8_add(Fp8 *fp8, const char *name, int weight, int in, int out);
/* Whether the layer is computed in FP8; false for NULL. */
bool fp8_layer_is_on(const Fp8Layer *layer);
/* See linear_codes(). */
const Fp8Codes *fp8_layer_codes(Fp8Layer *layer, Fp8Tensor tensor, Fp8Codes *codes);
/* The codes of x [rows][columns], the layer's tensor, unless linear_codes() had them written already. */
const uint8_t *fp8_layer_quantise(Fp8Layer *layer, Fp8Tensor tensor, const Real *x, int rows, int columns);
const Fp8Scale *fp8_layer_scale(const Fp8Layer *layer, Fp8Tensor tensor);
const uint8_t *fp8_layer_weight(const Fp8Layer *layer);            /* [out][in] */
const uint8_t *fp8_layer_weight_transposed(const Fp8Layer *layer); /* [in][out] */

#endif
