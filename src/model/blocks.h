/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of pre-norm transformer blocks (Dosovitskiy et al., arXiv 2010.11929), the same for the ViT encoder and the
 * MAE decoder: x += attention(norm1(x)); x += mlp(norm2(x)); then, for some stacks, a last norm. Each residual sum is
 * fused with the norm that follows it. A branch may be scaled by column (LayerScale) and by sample (drop-path) on its
 * way into the sum. */
#ifndef FOVEA_MODEL_BLOCKS_H
#define FOVEA_MODEL_BLOCKS_H

#include "model/linear.h"
#include "model/model.h"

/* A residual sum, of the one before and a branch of a block, and its norm. */
typedef struct {
    int weight, bias;   /* parameter indices; -1: no norm, only the sum */
    int scale;          /* the branch's LayerScale, a parameter index; -1: none */
    int place;          /* of the branch among the stack's, two a block; -1: there is none, the sum is the entry */
    Real *branch;       /* [rows][dim] */
    Real *sum;          /* [rows][dim]: the residual stream here */
    Real *y;            /* [rows][dim]: its norm */
    float *mean, *rstd; /* [rows] */
} Norm;

typedef struct {
    Norm norm1, norm2; /* at the block's entry, before attention; between its halves, before the MLP */
    Linear to_qkv, proj, fc1, fc2;
    Real *qkv;                /* [rows][3 dim] */
    Real *attended;           /* [rows][dim] */
    float *lse;               /* [batch][heads][tokens] */
    Real *hidden, *activated; /* [rows][hidden], before and after GELU */
} Block;

typedef struct {
    const char *prefix; /* "blocks" or "decoder_blocks" */
    int dim, depth, heads, hidden, tokens;
    float eps;
    Recompute recompute; /* which activations all blocks share */
    Activation activation;
    Block *blocks;             /* [depth], owned */
    Fp8 *fp8;                  /* owned; NULL: the linear layers are not in FP8 */
    Norm last;                 /* after the last block */
    const char *last_name;     /* of the last norm; NULL: none */
    bool layer_scale;          /* the branches are kept for its gradient */
    bool scales_branches;      /* by that or by drop-path */
    bool forward_only;         /* set before stack_place(): no backward pass follows, all blocks share one's memory */
    const float *keep;         /* [depth][2][batch], device memory: drop-path of the next passes; NULL: none */
    Real *branch;              /* [rows][dim]: a branch on its way into the residual sum */
    Real *dx, *dy, *dattended; /* [rows][dim]: gradients on their way back */
    Real *dbranch;             /* [rows][dim]: that of a scaled branch; NULL where none is scaled */
    Real *dqkv, *dhidden;
    ActivationVisit watch; /* sees each attention of the next passes as it is computed; NULL: nobody does */
    void *watcher;
} Stack;

/* Describes a stack; `last_norm` is the last norm's name or NULL. Allocates the list of blocks. */
Status stack_open(Stack *stack, const char *prefix, const char *last_norm, int dim, int depth, int heads, int tokens,
                  const ModelShape *shape) MUST_USE;
/* Computes its linear layers in FP8, except the first block's and the last's. */
Status stack_use_fp8(Stack *stack, Ops *ops, const Params *params) MUST_USE;
void stack_close(Stack *stack);
/* Adds the parameters; block i gets layer 1 + i. */
void stack_params(Stack *stack, Params *params);
/* Takes activations and gradients of `type` for `rows` tokens of all samples together from the arena. */
void stack_place(Stack *stack, Arena *arena, RealType type, size_t rows);

/* Runs the stack on stack->blocks[0].norm1.sum, which the caller has filled ([batch][tokens][dim]); the result is
 * stack->last.y, or without a last norm the sum that stack_pool() takes. */
void stack_forward(Stack *stack, Ops *ops, const Params *params, int batch);
/* Pools the last sum, which is not stored, to y [batch][dim]. */
void stack_pool(const Stack *stack, Ops *ops, const Params *params, Pool pool, float *y, int batch);
/* Takes the gradient of the result from `dout` through the blocks from `first` on, and leaves that of this block's
 * entry in stack->dx. */
void stack_backward(Stack *stack, Ops *ops, const Params *params, const Real *dout, int first, int batch, bool add);

/* See mae_visit(); false when the visitor stopped. */
bool stack_visit(const Stack *stack, Ops *ops, const Params *params, int batch, ActivationVisit visit, void *context);

#endif
