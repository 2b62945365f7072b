/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/scratch.h"

#include "ops/gpu_scratch.h"

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t fp8_scratch(int rows, int dim, int hidden) {
    const size_t square = larger(gpu_fp8_scratch(rows, dim, dim), gpu_fp8_scratch(rows, dim, 3 * dim));
    const size_t wide = larger(gpu_fp8_scratch(rows, dim, hidden), gpu_fp8_scratch(rows, hidden, dim));
    return larger(larger(square, gpu_fp8_scratch(rows, 3 * dim, dim)), wide);
}

size_t scratch_of_block(const ModelShape *shape, RealType type, const ScratchBlock *block) {
    const int dim = block->dim, hidden = dim * shape->mlp_ratio, rows = shape->batch * block->tokens;
    size_t most = gpu_attention_scratch(type, shape->batch, block->heads, block->tokens);
    /* With LayerScale a norm sums the gradient of its factors, too; where none follows, branch_backward() does. */
    most = larger(most, gpu_norm_scratch(type, rows, dim, shape->layer_scale ? 3 : 2));
    most = larger(most, gpu_slope_scratch(type, rows, hidden));
    for (int columns = dim; columns <= 3 * dim; columns += 2 * dim)
        most = larger(most, gpu_column_sums_scratch(type, rows, columns));
    most = larger(most, gpu_column_sums_scratch(type, rows, hidden));
    most = larger(most, gpu_idle_scratch(rows, hidden));
    return block->fp8 ? larger(most, fp8_scratch(rows, dim, hidden)) : most;
}

size_t scratch_of_input(const ModelShape *shape) {
    return shape->record ? gpu_resize_scratch(shape->batch, shape->record, shape->record, shape->image_size) : 0;
}

size_t scratch_largest(const size_t *needs, size_t count) {
    size_t most = larger(gpu_global_norm_scratch(), gpu_summary_scratch());
    for (size_t i = 0; i < count; i++)
        most = larger(most, needs[i]);
    return gpu_round_up(most, GPU_ALIGNMENT);
}
