/* SPDX-License-Identifier: Apache-2.0 */
#include "model/blocks.h"

#include <stdio.h>
#include <stdlib.h>

Status stack_open(Stack *stack, const char *prefix, const char *last_norm, int dim, int depth, int heads, int tokens,
                  const ModelShape *shape) {
    *stack = (Stack){.prefix = prefix,
                     .last_name = last_norm,
                     .dim = dim,
                     .depth = depth,
                     .heads = heads,
                     .tokens = tokens,
                     .hidden = (int)(dim * shape->mlp_ratio),
                     .eps = (float)shape->norm_eps,
                     .recompute = shape->recompute,
                     .activation = shape->gelu_tanh ? ACTIVATION_GELU_TANH : ACTIVATION_GELU_ERF,
                     .last_weight = -1,
                     .last_bias = -1};
    stack->blocks = calloc((size_t)depth, sizeof *stack->blocks);
    return stack->blocks ? NULL : status_no_memory("the list of blocks", sizeof *stack->blocks * (size_t)depth);
}

Status stack_use_fp8(Stack *stack, Ops *ops, const Params *params) {
    enum { LINEARS = 4 }; /* of a block */
    return fp8_open(ops, params, LINEARS * stack->depth, &stack->fp8);
}

void stack_close(Stack *stack) {
    fp8_close(stack->fp8);
    free(stack->blocks);
}

static int add(Params *params, const char *prefix, int block, const char *leaf, int dims, int64_t rows,
               int64_t columns) {
    char name[64];
    snprintf(name, sizeof name, "%s.%d.%s", prefix, block, leaf);
    return params_add(params, name, true, 1 + block, dims, (int64_t[]){rows, columns});
}

/* The first and the last block, of two the first, are left to BF16, as FP8 recipes have it: there rounding is felt
 * most.
 */
static bool takes_fp8(const Stack *stack, int block) {
    return stack->depth == 1 || (block > 0 && (block < stack->depth - 1 || stack->depth == 2));
}

static Linear add_linear(const Stack *stack, Params *params, int block, const char *leaf, int in, int out) {
    char part[32], name[64];
    Linear linear = {.in = in, .out = out};
    snprintf(part, sizeof part, "%s.weight", leaf);
    linear.weight = add(params, stack->prefix, block, part, 2, out, in);
    snprintf(part, sizeof part, "%s.bias", leaf);
    linear.bias = add(params, stack->prefix, block, part, 1, out, 0);
    snprintf(name, sizeof name, "%s.%d.%s", stack->prefix, block, leaf);
    linear.fp8 = takes_fp8(stack, block) ? fp8_add(stack->fp8, name, linear.weight, in, out) : NULL;
    return linear;
}

void stack_params(Stack *stack, Params *params) {
    const int dim = stack->dim, hidden = stack->hidden;
    fp8_begin_list(stack->fp8);
    for (int i = 0; i < stack->depth; i++) {
        Block *block = &stack->blocks[i];
        const char *prefix = stack->prefix;
        block->norm1_weight = add(params, prefix, i, "norm1.weight", 1, dim, 0);
        block->norm1_bias = add(params, prefix, i, "norm1.bias", 1, dim, 0);
        block->to_qkv = add_linear(stack, params, i, "attn.qkv", dim, 3 * dim);
        block->proj = add_linear(stack, params, i, "attn.proj", dim, dim);
        block->norm2_weight = add(params, prefix, i, "norm2.weight", 1, dim, 0);
        block->norm2_bias = add(params, prefix, i, "norm2.bias", 1, dim, 0);
        block->fc1 = add_linear(stack, params, i, "mlp.fc1", dim, hidden);
        block->fc2 = add_linear(stack, params, i, "mlp.fc2", hidden, dim);
    }
    if (stack->last_name) {
        char name[64];
        snprintf(name, sizeof name, "%s.weight", stack->last_name);
        stack->last_weight = params_add(params, name, true, stack->depth + 1, 1, (int64_t[]){dim});
        snprintf(name, sizeof name, "%s.bias", stack->last_name);
        stack->last_bias = params_add(params, name, true, stack->depth + 1, 1, (int64_t[]){dim});
    }
}

void stack_place(Stack *stack, Arena *arena, RealType type, int batch) {
    size_t rows = (size_t)batch * (size_t)stack->tokens, row = sizeof(float) * rows, real = real_size(type) * rows;
    size_t plane = real * (size_t)stack->dim, wide = real * (size_t)stack->hidden;
    for (int i = 0; i < stack->depth; i++) {
        Block *block = &stack->blocks[i];
        const Block *first = i ? stack->blocks : NULL; /* which the others share with */
        const bool own_norms = !first || stack->recompute == RECOMPUTE_NONE;
        const bool own_rest = !first || stack->recompute != RECOMPUTE_BLOCKS;
        block->x = arena_take(arena, plane);
        block->norm1 = own_norms ? arena_take(arena, plane) : first->norm1;
        block->norm2 = own_norms ? arena_take(arena, plane) : first->norm2;
        block->activated = own_norms ? arena_take(arena, wide) : first->activated;
        block->mid = own_rest ? arena_take(arena, plane) : first->mid;
        block->qkv = own_rest ? arena_take(arena, 3 * plane) : first->qkv;
        block->attended = own_rest ? arena_take(arena, plane) : first->attended;
        block->lse = own_rest ? arena_take(arena, row * (size_t)stack->heads) : first->lse;
        block->hidden = own_rest ? arena_take(arena, wide) : first->hidden;
        block->mean1 = own_rest ? arena_take(arena, row) : first->mean1;
        block->rstd1 = own_rest ? arena_take(arena, row) : first->rstd1;
        block->mean2 = own_rest ? arena_take(arena, row) : first->mean2;
        block->rstd2 = own_rest ? arena_take(arena, row) : first->rstd2;
    }
    stack->x = arena_take(arena, plane);
    stack->y = arena_take(arena, plane);
    stack->mean = arena_take(arena, row);
    stack->rstd = arena_take(arena, row);
    stack->branch = arena_take(arena, plane);
    stack->dx = arena_take(arena, plane);
    stack->dy = arena_take(arena, plane);
    stack->dattended = arena_take(arena, plane);
    stack->dqkv = arena_take(arena, 3 * plane);
    stack->dhidden = arena_take(arena, wide);
    if (stack->fp8)
        arena_group(arena, "FP8: codes and scales");
    fp8_place(stack->fp8, arena, rows);
}

/* x = before + branch (NULL: x as it is), and its norm, which goes into `next`. */
static void first_norm(const Stack *stack, Ops *ops, const Params *params, const Block *b, const Real *before,
                       const Real *branch, int rows, const Linear *next) {
    Fp8Codes codes;
    ops->norm_forward(ops, &(NormForward){.x = before,
                                          .branch = branch,
                                          .rows_per_sample = stack->tokens,
                                          .weight = params_value(params, b->norm1_weight),
                                          .bias = params_value(params, b->norm1_bias),
                                          .eps = stack->eps,
                                          .sum = b->x,
                                          .y = b->norm1,
                                          .mean = b->mean1,
                                          .rstd = b->rstd1,
                                          .rows = rows,
                                          .dim = stack->dim,
                                          .codes = linear_codes(next, FP8_INPUT, &codes)});
}

/* mid = before + branch (NULL: mid as it is), and its norm. */
static void second_norm(const Stack *stack, Ops *ops, const Params *params, const Block *b, const Real *before,
                        const Real *branch, int rows, const Linear *next) {
    Fp8Codes codes;
    ops->norm_forward(ops, &(NormForward){.x = before,
                                          .branch = branch,
                                          .rows_per_sample = stack->tokens,
                                          .weight = params_value(params, b->norm2_weight),
                                          .bias = params_value(params, b->norm2_bias),
                                          .eps = stack->eps,
                                          .sum = b->mid,
                                          .y = b->norm2,
                                          .mean = b->mean2,
                                          .rstd = b->rstd2,
                                          .rows = rows,
                                          .dim = stack->dim,
                                          .codes = linear_codes(next, FP8_INPUT, &codes)});
}

/* From the first norm to GELU; what is left is the last linear layer. */
static void pass(const Stack *stack, Ops *ops, const Params *params, const Block *b, int batch) {
    const int rows = batch * stack->tokens;
    linear_forward(&b->to_qkv, ops, params, b->norm1, ACTIVATION_NONE, NULL, b->qkv, rows, NULL);
    ops->attention_forward(ops, &(AttentionForward){.qkv = b->qkv,
                                                    .out = b->attended,
                                                    .lse = b->lse,
                                                    .batch = batch,
                                                    .tokens = stack->tokens,
                                                    .heads = stack->heads,
                                                    .head = stack->dim / stack->heads});
    linear_forward(&b->proj, ops, params, b->attended, ACTIVATION_NONE, NULL, stack->branch, rows, NULL);
    second_norm(stack, ops, params, b, b->x, stack->branch, rows, &b->fc1);
    linear_forward(&b->fc1, ops, params, b->norm2, stack->activation, b->hidden, b->activated, rows, &b->fc2);
}

void stack_forward(Stack *stack, Ops *ops, const Params *params, int batch) {
    int rows = batch * stack->tokens, dim = stack->dim;
    for (int i = 0; i < stack->depth; i++) {
        Block *b = &stack->blocks[i];
        first_norm(stack, ops, params, b, i ? b[-1].mid : b->x, i ? stack->branch : NULL, rows, &b->to_qkv);
        pass(stack, ops, params, b, batch);
        linear_forward(&b->fc2, ops, params, b->activated, ACTIVATION_NONE, NULL, stack->branch, rows, NULL);
    }
    bool last = stack->last_name != NULL;
    ops->norm_forward(ops, &(NormForward){.x = stack->blocks[stack->depth - 1].mid,
                                          .branch = stack->branch,
                                          .rows_per_sample = stack->tokens,
                                          .weight = last ? params_value(params, stack->last_weight) : NULL,
                                          .bias = last ? params_value(params, stack->last_bias) : NULL,
                                          .eps = stack->eps,
                                          .sum = stack->x,
                                          .y = last ? stack->y : NULL,
                                          .mean = stack->mean,
                                          .rstd = stack->rstd,
                                          .rows = rows,
                                          .dim = dim});
}

/* Brings back what of a block's activations was given up for those of other blocks. */
static void recompute(const Stack *stack, Ops *ops, const Params *params, const Block *b, int batch) {
    const int rows = batch * stack->tokens;
    if (stack->recompute == RECOMPUTE_NONE)
        return;
    if (stack->recompute == RECOMPUTE_BLOCKS) {
        fp8_repeat(stack->fp8, true);
        first_norm(stack, ops, params, b, b->x, NULL, rows, &b->to_qkv);
        pass(stack, ops, params, b, batch);
        fp8_repeat(stack->fp8, false);
        return;
    }
    first_norm(stack, ops, params, b, b->x, NULL, rows, NULL);
    second_norm(stack, ops, params, b, b->mid, NULL, rows, NULL);
    ops->gelu_forward(ops, &(GeluForward){.x = b->hidden,
                                          .act = stack->activation,
                                          .y = b->activated,
                                          .count = (size_t)rows * (size_t)stack->hidden});
}

void stack_backward(Stack *stack, Ops *ops, const Params *params, const Real *dout, int batch, bool add) {
    int rows = batch * stack->tokens, dim = stack->dim;
    Fp8Codes codes;
    const Real *dx = dout; /* gradient of the residual stream; the branches' gradients are the same tensor */
    if (stack->last_name) {
        ops->norm_backward(
            ops, &(NormBackward){.dy = dout,
                                 .sum = stack->x,
                                 .mean = stack->mean,
                                 .rstd = stack->rstd,
                                 .weight = params_value(params, stack->last_weight),
                                 .rows_per_sample = stack->tokens,
                                 .dx = stack->dx,
                                 .dweight = params_grad(params, stack->last_weight),
                                 .dbias = params_grad(params, stack->last_bias),
                                 .add = add,
                                 .rows = rows,
                                 .dim = dim,
                                 .codes = linear_codes(&stack->blocks[stack->depth - 1].fc2, FP8_GRADIENT, &codes)});
        dx = stack->dx;
    }
    for (int i = stack->depth - 1; i >= 0; i--) {
        Block *b = &stack->blocks[i];
        /* What comes to the block before, unless that is computed again first. */
        const Linear *before = i && stack->recompute != RECOMPUTE_BLOCKS ? &b[-1].fc2 : NULL;
        if (i < stack->depth - 1) /* the last block's are still there */
            recompute(stack, ops, params, b, batch);
        linear_backward(&b->fc2, ops, params, dx, b->activated, stack->activation, b->hidden, stack->dhidden, add, rows,
                        &b->fc1);
        linear_backward(&b->fc1, ops, params, stack->dhidden, b->norm2, ACTIVATION_NONE, NULL, stack->dy, add, rows,
                        NULL);
        ops->norm_backward(ops, &(NormBackward){.dy = stack->dy,
                                                .dsum = dx,
                                                .sum = b->mid,
                                                .mean = b->mean2,
                                                .rstd = b->rstd2,
                                                .weight = params_value(params, b->norm2_weight),
                                                .rows_per_sample = stack->tokens,
                                                .dx = stack->dx,
                                                .dweight = params_grad(params, b->norm2_weight),
                                                .dbias = params_grad(params, b->norm2_bias),
                                                .add = add,
                                                .rows = rows,
                                                .dim = dim,
                                                .codes = linear_codes(&b->proj, FP8_GRADIENT, &codes)});
        dx = stack->dx;
        linear_backward(&b->proj, ops, params, dx, b->attended, ACTIVATION_NONE, NULL, stack->dattended, add, rows,
                        NULL);
        ops->attention_backward(ops, &(AttentionBackward){.dout = stack->dattended,
                                                          .qkv = b->qkv,
                                                          .out = b->attended,
                                                          .lse = b->lse,
                                                          .dqkv = stack->dqkv,
                                                          .batch = batch,
                                                          .tokens = stack->tokens,
                                                          .heads = stack->heads,
                                                          .head = dim / stack->heads});
        linear_backward(&b->to_qkv, ops, params, stack->dqkv, b->norm1, ACTIVATION_NONE, NULL, stack->dy, add, rows,
                        NULL);
        ops->norm_backward(ops, &(NormBackward){.dy = stack->dy,
                                                .dsum = dx,
                                                .sum = b->x,
                                                .mean = b->mean1,
                                                .rstd = b->rstd1,
                                                .weight = params_value(params, b->norm1_weight),
                                                .rows_per_sample = stack->tokens,
                                                .dx = stack->dx,
                                                .dweight = params_grad(params, b->norm1_weight),
                                                .dbias = params_grad(params, b->norm1_bias),
                                                .add = add,
                                                .rows = rows,
                                                .dim = dim,
                                                .codes = linear_codes(before, FP8_GRADIENT, &codes)});
    }
}

bool stack_visit(const Stack *stack, Ops *ops, const Params *params, int batch, ActivationVisit visit, void *context) {
    size_t rows = (size_t)batch * (size_t)stack->tokens, plane = rows * (size_t)stack->dim;
    char name[64];
    for (int i = 0; i < stack->depth; i++) {
        const Block *b = &stack->blocks[i];
        recompute(stack, ops, params, b, batch);
        const struct {
            const char *leaf;
            const Real *values;
            size_t count;
        } list[] = {
            {"input", b->x, plane},
            {"norm1", b->norm1, plane},
            {"attn.qkv", b->qkv, 3 * plane},
            {"attn", b->attended, plane},
            {"attn.residual", b->mid, plane},
            {"norm2", b->norm2, plane},
            {"mlp.fc1", b->hidden, rows * (size_t)stack->hidden},
            {"mlp.act", b->activated, rows * (size_t)stack->hidden},
        };
        for (size_t j = 0; j < sizeof list / sizeof *list; j++) {
            snprintf(name, sizeof name, "%s.%d.%s", stack->prefix, i, list[j].leaf);
            if (!visit(context, name, list[j].values, list[j].count))
                return false;
        }
    }
    snprintf(name, sizeof name, "%s.%d.mlp.residual", stack->prefix, stack->depth - 1);
    if (!visit(context, name, stack->x, plane))
        return false;
    return !stack->last_name || visit(context, stack->last_name, stack->y, plane);
}
