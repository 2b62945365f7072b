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
                     .activation = shape->activation,
                     .layer_scale = shape->layer_scale,
                     .scales_branches = shape->layer_scale || shape->drop_path > 0,
                     .last = {.weight = -1, .bias = -1, .scale = -1, .place = 2 * depth - 1}};
    stack->blocks = calloc((size_t)depth, sizeof *stack->blocks);
    if (!stack->blocks)
        return status_no_memory("the list of blocks", sizeof *stack->blocks * (size_t)depth);
    for (int i = 0; i < depth; i++) {
        stack->blocks[i].norm1 = (Norm){.scale = -1, .place = 2 * i - 1};
        stack->blocks[i].norm2 = (Norm){.scale = -1, .place = 2 * i};
    }
    return NULL;
}

/* The sum that a block's MLP goes into. */
static Norm *mlp_sum(Stack *stack, int block) {
    return block + 1 < stack->depth ? &stack->blocks[block + 1].norm1 : &stack->last;
}

Status stack_use_fp8(Stack *stack, Ops *ops, const Params *params) {
    enum { LINEARS = 4 }; /* of a block */
    return fp8_open(ops, params, LINEARS * stack->depth, &stack->fp8);
}

void stack_close(Stack *stack) {
    fp8_close(stack->fp8);
    free(stack->blocks);
}

static int add_block_param(Params *params, const char *prefix, int block, const char *leaf, int dims, int64_t rows,
                           int64_t columns) {
    char name[64];
    snprintf(name, sizeof name, "%s.%d.%s", prefix, block, leaf);
    return params_add(params, name, true, 1 + block, dims, (int64_t[]){rows, columns});
}

/* The first and the last block, of two only the first, stay in BF16, as in published FP8 recipes: rounding costs most
 * there. */
static bool block_takes_fp8(const Stack *stack, int block) {
    return stack->depth == 1 || (block > 0 && (block < stack->depth - 1 || stack->depth == 2));
}

static Linear add_linear(const Stack *stack, Params *params, int block, const char *leaf, int in, int out) {
    char part[32], name[64];
    Linear linear = {.in = in, .out = out};
    snprintf(part, sizeof part, "%s.weight", leaf);
    linear.weight = add_block_param(params, stack->prefix, block, part, 2, out, in);
    snprintf(part, sizeof part, "%s.bias", leaf);
    linear.bias = add_block_param(params, stack->prefix, block, part, 1, out, 0);
    snprintf(name, sizeof name, "%s.%d.%s", stack->prefix, block, leaf);
    linear.fp8 = block_takes_fp8(stack, block) ? fp8_add(stack->fp8, name, linear.weight, in, out) : NULL;
    return linear;
}

void stack_params(Stack *stack, Params *params) {
    const int dim = stack->dim, hidden = stack->hidden;
    fp8_clear(stack->fp8);
    for (int i = 0; i < stack->depth; i++) {
        Block *block = &stack->blocks[i];
        const char *prefix = stack->prefix;
        block->norm1.weight = add_block_param(params, prefix, i, "norm1.weight", 1, dim, 0);
        block->norm1.bias = add_block_param(params, prefix, i, "norm1.bias", 1, dim, 0);
        block->to_qkv = add_linear(stack, params, i, "attn.qkv", dim, 3 * dim);
        block->proj = add_linear(stack, params, i, "attn.proj", dim, dim);
        if (stack->layer_scale)
            block->norm2.scale = add_block_param(params, prefix, i, "ls1.gamma", 1, dim, 0);
        block->norm2.weight = add_block_param(params, prefix, i, "norm2.weight", 1, dim, 0);
        block->norm2.bias = add_block_param(params, prefix, i, "norm2.bias", 1, dim, 0);
        block->fc1 = add_linear(stack, params, i, "mlp.fc1", dim, hidden);
        block->fc2 = add_linear(stack, params, i, "mlp.fc2", hidden, dim);
        if (stack->layer_scale)
            mlp_sum(stack, i)->scale = add_block_param(params, prefix, i, "ls2.gamma", 1, dim, 0);
    }
    if (stack->last_name) {
        char name[64];
        snprintf(name, sizeof name, "%s.weight", stack->last_name);
        stack->last.weight = params_add(params, name, true, stack->depth + 1, 1, (int64_t[]){dim});
        snprintf(name, sizeof name, "%s.bias", stack->last_name);
        stack->last.bias = params_add(params, name, true, stack->depth + 1, 1, (int64_t[]){dim});
    }
}

/* LayerScale's gradient needs the branches themselves. An MLP's is needed after the next block has been computed again,
 * so that none is shared. */
static void place_branches(Stack *stack, Arena *arena, size_t plane) {
    stack->branch = arena_take(arena, plane);
    for (int i = 0; i < stack->depth; i++) {
        const bool own = i == 0 || stack->recompute != RECOMPUTE_BLOCKS;
        const bool kept = stack->layer_scale && !stack->forward_only;
        Norm *attention = &stack->blocks[i].norm2;
        attention->branch = !kept ? stack->branch : own ? arena_take(arena, plane) : stack->blocks[0].norm2.branch;
        mlp_sum(stack, i)->branch = kept ? arena_take(arena, plane) : stack->branch;
    }
}

void stack_place(Stack *stack, Arena *arena, RealType type, size_t rows) {
    size_t row = sizeof(float) * rows, real = real_size(type) * rows;
    size_t plane = real * (size_t)stack->dim, wide = real * (size_t)stack->hidden;
    for (int i = 0; i < stack->depth; i++) {
        Block *block = &stack->blocks[i];
        const Block *first = i ? stack->blocks : NULL; /* shares its activations with the others */
        const bool own_norms = !first || (stack->recompute == RECOMPUTE_NONE && !stack->forward_only);
        const bool own_rest = !first || (stack->recompute != RECOMPUTE_BLOCKS && !stack->forward_only);
        block->norm1.sum = first && stack->forward_only ? first->norm1.sum : arena_take(arena, plane);
        block->norm1.y = own_norms ? arena_take(arena, plane) : first->norm1.y;
        block->norm2.y = own_norms ? arena_take(arena, plane) : first->norm2.y;
        block->activated = own_norms ? arena_take(arena, wide) : first->activated;
        block->norm2.sum = own_rest ? arena_take(arena, plane) : first->norm2.sum;
        block->qkv = own_rest ? arena_take(arena, 3 * plane) : first->qkv;
        block->attended = own_rest ? arena_take(arena, plane) : first->attended;
        block->lse = own_rest ? arena_take(arena, row * (size_t)stack->heads) : first->lse;
        block->hidden = own_rest ? arena_take(arena, wide) : first->hidden;
        block->norm1.mean = own_rest ? arena_take(arena, row) : first->norm1.mean;
        block->norm1.rstd = own_rest ? arena_take(arena, row) : first->norm1.rstd;
        block->norm2.mean = own_rest ? arena_take(arena, row) : first->norm2.mean;
        block->norm2.rstd = own_rest ? arena_take(arena, row) : first->norm2.rstd;
    }
    stack->last.sum = arena_take(arena, plane);
    stack->last.y = stack->last_name ? arena_take(arena, plane) : NULL;
    stack->last.mean = arena_take(arena, row);
    stack->last.rstd = arena_take(arena, row);
    place_branches(stack, arena, plane);
    if (stack->forward_only)
        return;
    stack->dbranch = stack->scales_branches ? arena_take(arena, plane) : NULL;
    stack->dx = arena_take(arena, plane);
    stack->dy = arena_take(arena, plane);
    stack->dattended = arena_take(arena, plane);
    stack->dqkv = arena_take(arena, 3 * plane);
    stack->dhidden = arena_take(arena, wide);
    if (stack->fp8)
        arena_group(arena, "FP8: codes and scales");
    fp8_place(stack->fp8, arena, rows);
}

/* A sum's LayerScale and drop-path; NULL: none. */
static const float *branch_scale(const Params *params, const Norm *norm) {
    return norm->scale >= 0 ? params_value(params, norm->scale) : NULL;
}
static const float *branch_keep(const Stack *stack, const Norm *norm, int rows) {
    return stack->keep && norm->place >= 0 ? stack->keep + (size_t)norm->place * (size_t)(rows / stack->tokens) : NULL;
}

/* Whether the gradient of its branch is another than the sum's own. */
static bool is_scaled(const Stack *stack, const Norm *norm) {
    return norm->scale >= 0 || (stack->keep && norm->place >= 0);
}

/* norm->sum = before + its branch (before NULL: the sum is there already), and its norm, which goes into `next`. */
static void forward_norm(const Stack *stack, Ops *ops, const Params *params, const Norm *norm, const Real *before,
                         int rows, const Linear *next) {
    const bool normed = norm->weight >= 0;
    Fp8Codes codes;
    ops->norm_forward(ops, &(NormForward){.x = before ? before : norm->sum,
                                          .branch = before ? norm->branch : NULL,
                                          .scale = before ? branch_scale(params, norm) : NULL,
                                          .keep = before ? branch_keep(stack, norm, rows) : NULL,
                                          .rows_per_sample = stack->tokens,
                                          .weight = normed ? params_value(params, norm->weight) : NULL,
                                          .bias = normed ? params_value(params, norm->bias) : NULL,
                                          .eps = stack->eps,
                                          .sum = norm->sum,
                                          .y = normed ? norm->y : NULL,
                                          .mean = norm->mean,
                                          .rstd = norm->rstd,
                                          .rows = rows,
                                          .dim = stack->dim,
                                          .codes = linear_codes(next, FP8_INPUT, &codes)});
}

/* From dy, the gradient of the norm, and dsum, that of the sum by other ways (NULL: none), to stack->dx, that of the
 * sum. Returns its branch's, which goes into the output of `next`. */
static const Real *backward_norm(const Stack *stack, Ops *ops, const Params *params, const Norm *norm, const Real *dy,
                                 const Real *dsum, int rows, bool add, const Linear *next) {
    const bool scaled = is_scaled(stack, norm);
    Fp8Codes codes;
    ops->norm_backward(ops, &(NormBackward){.dy = dy,
                                            .dsum = dsum,
                                            .sum = norm->sum,
                                            .mean = norm->mean,
                                            .rstd = norm->rstd,
                                            .weight = params_value(params, norm->weight),
                                            .branch = norm->branch,
                                            .scale = branch_scale(params, norm),
                                            .keep = branch_keep(stack, norm, rows),
                                            .rows_per_sample = stack->tokens,
                                            .dx = stack->dx,
                                            .dbranch = scaled ? stack->dbranch : NULL,
                                            .dweight = params_grad(params, norm->weight),
                                            .dbias = params_grad(params, norm->bias),
                                            .dscale = norm->scale >= 0 ? params_grad(params, norm->scale) : NULL,
                                            .add = add,
                                            .rows = rows,
                                            .dim = stack->dim,
                                            .codes = linear_codes(scaled ? NULL : next, FP8_GRADIENT, &codes)});
    return scaled ? stack->dbranch : stack->dx;
}

/* The gradient of the branch of a sum that no norm follows, from that of the sum. */
static const Real *backward_sum(const Stack *stack, Ops *ops, const Params *params, const Norm *norm, const Real *dx,
                                int rows, bool add) {
    if (!is_scaled(stack, norm))
        return dx;
    ops->branch_backward(ops, &(BranchBackward){.dx = dx,
                                                .branch = norm->branch,
                                                .scale = branch_scale(params, norm),
                                                .keep = branch_keep(stack, norm, rows),
                                                .rows_per_sample = stack->tokens,
                                                .dbranch = stack->dbranch,
                                                .dscale = norm->scale >= 0 ? params_grad(params, norm->scale) : NULL,
                                                .add = add,
                                                .rows = rows,
                                                .dim = stack->dim});
    return stack->dbranch;
}

static AttentionForward attention_of(const Stack *stack, const Block *b, int batch) {
    return (AttentionForward){.qkv = b->qkv,
                              .out = b->attended,
                              .lse = b->lse,
                              .batch = batch,
                              .tokens = stack->tokens,
                              .heads = stack->heads,
                              .head = stack->dim / stack->heads};
}

/* From the first norm's output to the activation; only the block's last linear layer remains. */
static void forward_block(const Stack *stack, Ops *ops, const Params *params, const Block *b, int batch) {
    const int rows = batch * stack->tokens;
    const AttentionForward attention = attention_of(stack, b, batch);
    linear_forward(&b->to_qkv, ops, params, &(LinearPass){.x = b->norm1.y, .y = b->qkv, .rows = rows});
    ops->attention_forward(ops, &attention);
    linear_forward(&b->proj, ops, params, &(LinearPass){.x = b->attended, .y = b->norm2.branch, .rows = rows});
    forward_norm(stack, ops, params, &b->norm2, b->norm1.sum, rows, &b->fc1);
    linear_forward(&b->fc1, ops, params,
                   &(LinearPass){.x = b->norm2.y,
                                 .act = stack->activation,
                                 .pre = b->hidden,
                                 .y = b->activated,
                                 .rows = rows,
                                 .next = &b->fc2});
}

/* Of a block whose memory the next one may take. Whoever has seen enough is not called again. */
static void show_attention(Stack *stack, int block, int batch) {
    const Block *b = &stack->blocks[block];
    const AttentionForward attention = attention_of(stack, b, batch);
    char name[64];
    snprintf(name, sizeof name, "%s.%d.attn", stack->prefix, block);
    const VisitedTensor tensor = {name, b->attended, (size_t)batch * (size_t)stack->tokens * (size_t)stack->dim, 0,
                                  &attention};
    if (!stack->watch(stack->watcher, &tensor))
        stack->watch = NULL;
}

void stack_forward(Stack *stack, Ops *ops, const Params *params, int batch) {
    const int rows = batch * stack->tokens;
    const Real *before = NULL;
    for (int i = 0; i < stack->depth; i++) {
        Block *b = &stack->blocks[i];
        forward_norm(stack, ops, params, &b->norm1, before, rows, &b->to_qkv);
        forward_block(stack, ops, params, b, batch);
        if (stack->watch)
            show_attention(stack, i, batch);
        linear_forward(&b->fc2, ops, params,
                       &(LinearPass){.x = b->activated, .y = mlp_sum(stack, i)->branch, .rows = rows});
        before = b->norm2.sum;
    }
    if (stack->last_name)
        forward_norm(stack, ops, params, &stack->last, before, rows, NULL);
}

void stack_pool(const Stack *stack, Ops *ops, const Params *params, Pool pool, float *y, int batch) {
    const Norm *last = &stack->last;
    ops->pool_forward(ops, &(PoolForward){.x = stack->blocks[stack->depth - 1].norm2.sum,
                                          .branch = last->branch,
                                          .scale = branch_scale(params, last),
                                          .keep = branch_keep(stack, last, batch * stack->tokens),
                                          .pool = pool,
                                          .y = y,
                                          .batch = batch,
                                          .tokens = stack->tokens,
                                          .dim = stack->dim});
}

/* Computes again those of a block's activations that other blocks have overwritten. */
static void recompute_block(const Stack *stack, Ops *ops, const Params *params, const Block *b, int batch) {
    const int rows = batch * stack->tokens;
    if (stack->recompute == RECOMPUTE_NONE)
        return;
    if (stack->recompute == RECOMPUTE_BLOCKS) {
        fp8_repeat(stack->fp8, true);
        forward_norm(stack, ops, params, &b->norm1, NULL, rows, &b->to_qkv);
        forward_block(stack, ops, params, b, batch);
        fp8_repeat(stack->fp8, false);
        return;
    }
    forward_norm(stack, ops, params, &b->norm1, NULL, rows, NULL);
    forward_norm(stack, ops, params, &b->norm2, NULL, rows, NULL);
    ops->gelu_forward(ops, &(GeluForward){.x = b->hidden,
                                          .act = stack->activation,
                                          .y = b->activated,
                                          .count = (size_t)rows * (size_t)stack->hidden});
}

/* From dx, the gradient of the residual stream after the block, and dbranch, that of the MLP's output, to stack->dx,
 * that at the block's entry. Returns the gradient of the branch that entered there, which goes into the output of
 * `before`. */
static const Real *backward_block(const Stack *stack, Ops *ops, const Params *params, const Block *b, const Real *dx,
                                  const Real *dbranch, int batch, bool add, const Linear *before) {
    const int rows = batch * stack->tokens;
    linear_backward(&b->fc2, ops, params,
                    &(LinearGradient){.dy = dbranch,
                                      .x = b->activated,
                                      .act = stack->activation,
                                      .pre = b->hidden,
                                      .dx = stack->dhidden,
                                      .add = add,
                                      .rows = rows,
                                      .next = &b->fc1});
    linear_backward(
        &b->fc1, ops, params,
        &(LinearGradient){.dy = stack->dhidden, .x = b->norm2.y, .dx = stack->dy, .add = add, .rows = rows});
    dbranch = backward_norm(stack, ops, params, &b->norm2, stack->dy, dx, rows, add, &b->proj);
    linear_backward(
        &b->proj, ops, params,
        &(LinearGradient){.dy = dbranch, .x = b->attended, .dx = stack->dattended, .add = add, .rows = rows});
    ops->attention_backward(ops, &(AttentionBackward){.dout = stack->dattended,
                                                      .qkv = b->qkv,
                                                      .out = b->attended,
                                                      .lse = b->lse,
                                                      .dqkv = stack->dqkv,
                                                      .batch = batch,
                                                      .tokens = stack->tokens,
                                                      .heads = stack->heads,
                                                      .head = stack->dim / stack->heads});
    linear_backward(&b->to_qkv, ops, params,
                    &(LinearGradient){.dy = stack->dqkv, .x = b->norm1.y, .dx = stack->dy, .add = add, .rows = rows});
    return backward_norm(stack, ops, params, &b->norm1, stack->dy, stack->dx, rows, add, before);
}

void stack_backward(Stack *stack, Ops *ops, const Params *params, const Real *dout, int first, int batch, bool add) {
    const int rows = batch * stack->tokens;
    const Real *dx = stack->last_name ? stack->dx : dout;
    const Real *dbranch = stack->last_name ? backward_norm(stack, ops, params, &stack->last, dout, NULL, rows, add,
                                                           &stack->blocks[stack->depth - 1].fc2)
                                           : backward_sum(stack, ops, params, &stack->last, dout, rows, add);
    for (int i = stack->depth - 1; i >= first; i--) {
        const Block *b = &stack->blocks[i];
        /* Codes for the block before are of no use if that is computed again first. */
        const Linear *before = i > first && stack->recompute != RECOMPUTE_BLOCKS ? &b[-1].fc2 : NULL;
        if (i < stack->depth - 1) /* the last block's activations have not been overwritten */
            recompute_block(stack, ops, params, b, batch);
        dbranch = backward_block(stack, ops, params, b, dx, dbranch, batch, add, before);
        dx = stack->dx;
    }
}

/* The last sum of a stack without a last norm, after its last block's activations. */
static void compute_last_sum(const Stack *stack, Ops *ops, const Params *params, int batch) {
    const Block *b = &stack->blocks[stack->depth - 1];
    const int rows = batch * stack->tokens;
    fp8_repeat(stack->fp8, true);
    linear_forward(&b->fc2, ops, params, &(LinearPass){.x = b->activated, .y = stack->last.branch, .rows = rows});
    fp8_repeat(stack->fp8, false);
    forward_norm(stack, ops, params, &stack->last, b->norm2.sum, rows, NULL);
}

bool stack_visit(const Stack *stack, Ops *ops, const Params *params, int batch, ActivationVisit visit, void *context) {
    size_t rows = (size_t)batch * (size_t)stack->tokens, plane = rows * (size_t)stack->dim;
    char name[64];
    for (int i = 0; i < stack->depth; i++) {
        const Block *b = &stack->blocks[i];
        recompute_block(stack, ops, params, b, batch);
        const AttentionForward attention = attention_of(stack, b, batch);
        VisitedTensor list[] = {
            {"input", b->norm1.sum, plane, 0, NULL},
            {"norm1", b->norm1.y, plane, 0, NULL},
            {"attn.qkv", b->qkv, 3 * plane, 0, NULL},
            {"attn", b->attended, plane, 0, &attention},
            {"attn.residual", b->norm2.sum, plane, 0, NULL},
            {"norm2", b->norm2.y, plane, 0, NULL},
            {"mlp.fc1", b->hidden, rows * (size_t)stack->hidden, stack->hidden, NULL},
            {"mlp.act", b->activated, rows * (size_t)stack->hidden, 0, NULL},
        };
        for (size_t j = 0; j < sizeof list / sizeof *list; j++) {
            snprintf(name, sizeof name, "%s.%d.%s", stack->prefix, i, list[j].name);
            list[j].name = name;
            if (!visit(context, &list[j]))
                return false;
        }
    }
    if (!stack->last_name)
        compute_last_sum(stack, ops, params, batch);
    snprintf(name, sizeof name, "%s.%d.mlp.residual", stack->prefix, stack->depth - 1);
    return visit(context, &(VisitedTensor){name, stack->last.sum, plane, 0, NULL}) &&
           (!stack->last_name || visit(context, &(VisitedTensor){stack->last_name, stack->last.y, plane, 0, NULL}));
}
