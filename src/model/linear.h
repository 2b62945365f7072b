/* SPDX-License-Identifier: Apache-2.0 */
/* A linear layer of a model: its parameters and, where it has them, its codes and scales in FP8. */
#ifndef FOVEA_MODEL_LINEAR_H
#define FOVEA_MODEL_LINEAR_H

#include "model/fp8.h"
#include "model/params.h"

typedef struct {
    Fp8 *owner;
    char name[64];
    int weight, in, out;       /* parameter index; shape */
    uint8_t *w, *w_transposed; /* codes, [out][in] and [in][out] */
    bool off;
} Fp8Linear;

typedef struct {
    int weight, bias, in, out; /* parameter indices; shape */
    Fp8Linear *fp8;            /* NULL: not in FP8 */
} Linear;

/* Where the operation that makes a layer's input, or the gradient that comes to it, leaves codes for it, so that the
 * layer need not make them; the next thing in FP8 is that layer. NULL where it makes them itself: without FP8, when a
 * scale is not known, or for `linear` NULL. */
const Fp8Codes *linear_codes(const Linear *linear, Fp8Tensor tensor, Fp8Codes *codes);

/* As the operations of these names; y goes into the layer `next` after this, NULL: not at once. */
void linear_forward(const Linear *linear, Ops *ops, const Params *params, const Real *x, Activation act, Real *pre,
                    Real *y, int rows, const Linear *next);
/* The gradients of weight and bias, then that of the input, which comes to the layer `next` after this. */
void linear_backward(const Linear *linear, Ops *ops, const Params *params, const Real *dy, const Real *x,
                     Activation act, const Real *pre, Real *dx, bool add, int rows, const Linear *next);

/* Room for at most `capacity` layers, whose weights are in `params`; both are borrowed. */
Status fp8_open(Ops *ops, const Params *params, int capacity, Fp8 **fp8) MUST_USE;
void fp8_close(Fp8 *fp8);
/* Starts the list of layers anew. */
void fp8_begin_list(Fp8 *fp8);
/* The layer's place in the list; NULL without FP8. */
Fp8Linear *fp8_add(Fp8 *fp8, const char *name, int weight, int in, int out);
/* Between `again` and not, tensors are computed once more that were seen in this step: they are not counted twice. */
void fp8_repeat(Fp8 *fp8, bool again);
/* Takes codes and scales from an arena of the device's memory, for inputs of `rows` rows. */
void fp8_place(Fp8 *fp8, Arena *arena, size_t rows);

#endif
