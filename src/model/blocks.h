/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of pre-norm transformer blocks (Dosovitskiy et al., arXiv 2010.11929), the same for the ViT encoder and the
 * MAE decoder: x += attention(norm1(x)); x += mlp(norm2(x)); then, if asked for, a last norm. Each residual sum is
 * fused with the norm that follows it. */
#ifndef FOVEA_MODEL_BLOCKS_H
#define FOVEA_MODEL_BLOCKS_H

#include "model/linear.h"
#include "model/model.h"

typedef struct {
    int norm1_weight, norm1_bias, norm2_weight, norm2_bias; /* parameter indices */
    Linear to_qkv, proj, fc1, fc2;
    Real *x, *mid;                        /* [rows][dim]: residual stream at the block's entry and between its halves */
    Real *norm1, *norm2;                  /* [rows][dim]: what attention and MLP see */
    Real *qkv;                            /* [rows][3 dim] */
    Real *attended;                       /* [rows][dim] */
    float *lse;                           /* [batch][heads][tokens] */
    Real *hidden, *activated;             /* [rows][hidden], before and after GELU */
    float *mean1, *rstd1, *mean2, *rstd2; /* [rows] */
} Block;

typedef struct {
    const char *prefix; /* "blocks" or "decoder_blocks" */
    int dim, depth, heads, hidden, tokens;
    float eps;
    Recompute recompute; /* what of the blocks lies in one place for all of them */
    Activation activation;
    Block *blocks;              /* [depth], owned */
    Fp8 *fp8;                   /* owned; NULL: the linear layers are not in FP8 */
    int last_weight, last_bias; /* the last norm's parameters; -1: none */
    const char *last_name;
    Real *x;                   /* [rows][dim]: residual stream after the last block */
    Real *y;                   /* the last norm's output */
    float *mean, *rstd;        /* and its statistics */
    Real *branch;              /* [rows][dim]: a branch on its way into the residual sum */
    Real *dx, *dy, *dattended; /* [rows][dim]: gradients on their way back */
    Real *dqkv, *dhidden;
} Stack;

/* Describes a stack; `last_norm` is the last norm's name or NULL. Allocates the list of blocks. */
Status stack_open(Stack *stack, const char *prefix, const char *last_norm, int dim, int depth, int heads, int tokens,
                  const ModelShape *shape) MUST_USE;
/* Lets its linear layers be computed in FP8. */
Status stack_use_fp8(Stack *stack, Ops *ops, const Params *params) MUST_USE;
void stack_close(Stack *stack);
/* Adds the parameters; block i gets layer 1 + i. */
void stack_params(Stack *stack, Params *params);
/* Takes activations and gradients of `type` for `batch` samples from the arena. */
void stack_place(Stack *stack, Arena *arena, RealType type, int batch);

/* Runs the stack on stack->blocks[0].x, which the caller has filled ([batch][tokens][dim]); the result is stack->y, or
 * stack->x without a last norm. */
void stack_forward(Stack *stack, Ops *ops, const Params *params, int batch);
/* Takes the gradient of the result from `dout` and leaves that of the entry in stack->dx. */
void stack_backward(Stack *stack, Ops *ops, const Params *params, const Real *dout, int batch, bool add);

/* See mae_visit(); false when the visitor stopped. */
bool stack_visit(const Stack *stack, Ops *ops, const Params *params, int batch, ActivationVisit visit, void *context);

#endif
