/* SPDX-License-Identifier: Apache-2.0 */
/* A linear layer of a model: its parameters and, where it is computed in FP8, its place among those layers. */
#ifndef FOVEA_MODEL_LINEAR_H
#define FOVEA_MODEL_LINEAR_H

#include "model/fp8.h"
#include "model/params.h"

typedef struct {
    int weight, bias, in, out; /* parameter indices; shape */
    Fp8Layer *fp8;             /* NULL: not in FP8 */
} Linear;

/* Adds the parameters of a linear layer: NAME.weight and NAME.bias. */
Linear linear_add(Params *params, const char *name, int layer, int in, int out);

/* Where the operation that computes the layer's input, or the gradient of its output, also writes the FP8 codes, so
 * that the layer need not; the next thing in FP8 must be that layer. NULL where the layer makes them itself: without
 * FP8, when a scale is not known, or for `linear` NULL. */
const Fp8Codes *linear_codes(const Linear *linear, Fp8Tensor tensor, Fp8Codes *codes);

/* y = act(x w^T + bias), see the operation. */
typedef struct {
    const Real *x; /* [rows][in] */
    Activation act;
    Real *pre, *y; /* [rows][out] */
    int rows;
    const Linear *next; /* the layer whose input is y; NULL: y goes elsewhere first */
} LinearPass;
void linear_forward(const Linear *linear, Ops *ops, const Params *params, const LinearPass *a);

/* The gradients of weight and bias, then that of the input. */
typedef struct {
    const Real *dy; /* [rows][out] */
    const Real *x;  /* [rows][in] */
    Activation act; /* x = act(pre) */
    const Real *pre;
    Real *dx; /* [rows][in]; NULL: not needed */
    bool add; /* to the gradients of weight and bias */
    int rows;
    const Linear *next; /* the layer whose output's gradient is dx; NULL: dx goes elsewhere first */
} LinearGradient;
void linear_backward(const Linear *linear, Ops *ops, const Params *params, const LinearGradient *a);

#endif
