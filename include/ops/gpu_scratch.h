/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the operations of kernels/cuda need beside their tensors: kernels/cuda allocates by these formulas, and a
 * plan of a run's memory adds them up. Scratch memory serves one operation at a time, so that a run needs the largest
 * amount. The partitions of sums, on which the amounts depend, depend on shapes alone. Plain C, with no CUDA in it. */
#ifndef FOVEA_OPS_GPU_SCRATCH_H
#define FOVEA_OPS_GPU_SCRATCH_H

#include "ops/ops.h"

#include <math.h>

enum {
    /* Of cuBLASLt, for the whole run. NVIDIA advises 32 MiB for Hopper; a weight gradient that is summed in parts, so
     * that its few tiles fill all multiprocessors, takes m x n x 4 bytes a part: 4 of a ViT-H's MLP are 105 MB. */
    GPU_WORKSPACE_BYTES = 128 << 20,
    GPU_ALIGNMENT = 256 /* of device memory, and of cuDNN's workspace within scratch memory */
};

static inline size_t gpu_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

static inline int gpu_ceiling(int a, int b) {
    return (a - 1) / b + 1;
}

/* Elements that a thread loads at once from rows of `dim`: 16 bytes where every row starts on a multiple of 16. */
static inline int gpu_vector_length(RealType type, int dim) {
    const int length = 16 / (int)real_size(type);
    return dim % length == 0 ? length : 1;
}

/* A sum over the rows of a tensor: `count` parts of `part` rows, whose sums a second kernel adds. */
typedef struct {
    int part, count;
} GpuParts;

/* column_sums(): blocks of 256 threads, `across` of them side by side, each with `length` columns. */
typedef struct {
    int across;
    GpuParts rows;
} GpuColumnSums;

static inline GpuColumnSums gpu_column_sums(int rows, int columns, int length) {
    enum {
        THREADS = 256,
        WARP_THREADS = 32,
        BLOCKS = 8 * 132, /* that fill an H100 */
        MIN_ROWS = 16     /* of a thread, which are worth its share of the second step */
    };
    GpuColumnSums sums = {WARP_THREADS, {0, 0}};
    while (sums.across < THREADS && sums.across * length < columns)
        sums.across += sums.across;
    const int least = MIN_ROWS * (THREADS / sums.across);
    const int part = gpu_ceiling(rows, gpu_ceiling(BLOCKS, gpu_ceiling(columns, sums.across * length)));
    sums.rows.part = part < least ? least : part;
    sums.rows.count = rows ? gpu_ceiling(rows, sums.rows.part) : 0;
    return sums;
}

static inline size_t gpu_column_sums_scratch(RealType type, int rows, int columns) {
    const GpuColumnSums sums = gpu_column_sums(rows, columns, gpu_vector_length(type, columns));
    return (size_t)sums.rows.count * (size_t)columns * sizeof(float);
}

/* Whether the norms hold a row in registers: up to 2048 values, in whole loads of 16 bytes. */
static inline bool gpu_norm_fits(RealType type, int dim) {
    enum { WIDEST = 2048 };
    return dim <= WIDEST && (size_t)dim * real_size(type) % 16 == 0;
}

/* Warps of norm_backward() that share a row in registers: each lane has 16 bytes of it. */
static inline int gpu_norm_warps(RealType type, int dim) {
    enum { WARP_BYTES = 32 * 16 };
    return ((int)((size_t)dim * real_size(type)) + WARP_BYTES - 1) / WARP_BYTES;
}

/* As many parts as an H100 runs blocks of norm_backward() at once. */
static inline GpuParts gpu_norm_parts(RealType type, int rows, int dim) {
    enum {
        PROCESSORS = 132, /* of an H100 */
        WARPS = 16,       /* on each of them, with 128 registers a thread */
        MIN_ROWS = 16     /* that are worth a part of dweight and dbias */
    };
    const int warps = gpu_norm_warps(type, dim);
    const int most = gpu_norm_fits(type, dim) && warps < WARPS ? PROCESSORS * (WARPS / warps) : PROCESSORS;
    const int part = (rows + most - 1) / most;
    GpuParts parts = {part < MIN_ROWS ? MIN_ROWS : (int)gpu_round_up((size_t)part, 4), 0};
    parts.count = (rows + parts.part - 1) / parts.part;
    return parts;
}

/* `sums`: of weight and bias, and of a layer's scale where there is one. */
static inline size_t gpu_norm_scratch(RealType type, int rows, int dim, int sums) {
    return (size_t)gpu_norm_parts(type, rows, dim).count * (size_t)sums * (size_t)dim * sizeof(float);
}

/* Sums over the samples of a batch, in at most `max_parts` parts; one part of an empty batch. */
static inline GpuParts gpu_sample_parts(int batch, int max_parts) {
    GpuParts parts = {batch > max_parts ? (batch + max_parts - 1) / max_parts : 1, 1};
    if (batch > 0)
        parts.count = (batch + parts.part - 1) / parts.part;
    return parts;
}

/* The gradient of the positions takes few parts, since each is as large as the positions are and is written and read
 * again; it also needs for each patch where it is among those kept. */
static inline GpuParts gpu_embed_parts(int batch, bool positions) {
    return gpu_sample_parts(batch, positions ? 8 : 64);
}

static inline size_t gpu_embed_scratch(int batch, int patches, int dim, bool positions) {
    const size_t places = positions ? (size_t)batch * (size_t)patches : 0, rows = positions ? 1 + (size_t)patches : 1;
    return (size_t)gpu_embed_parts(batch, positions).count * rows * (size_t)dim * sizeof(float) +
           places * sizeof(int32_t);
}

static inline GpuParts gpu_restore_parts(int batch) {
    return gpu_sample_parts(batch, 256);
}

static inline size_t gpu_restore_scratch(int batch, int dim) {
    return (size_t)gpu_restore_parts(batch).count * (size_t)dim * sizeof(float);
}

/* A loss of each of `blocks` blocks, and one more, so that there is memory without any. */
static inline size_t gpu_loss_scratch(size_t blocks) {
    return (blocks + 1) * sizeof(double);
}

/* Blocks of masked_pixel_loss(), with 8 warps of 4 rows each. */
static inline size_t gpu_pixel_loss_blocks(int batch, int patches) {
    enum { ROWS = 8 * 4 };
    return ((size_t)batch * (1 + (size_t)patches) + ROWS - 1) / ROWS;
}

/* At least as many as the losses of a head have: with 8 warps of a sample each, or with 256 threads of an output each.
 */
static inline size_t gpu_head_loss_blocks(int batch, int outputs) {
    enum { WARPS = 8, THREADS = 256 };
    const size_t samples = ((size_t)batch + WARPS - 1) / WARPS;
    const size_t values = ((size_t)batch * (size_t)outputs + THREADS - 1) / THREADS;
    return samples > values ? samples : values;
}

/* Parts of global_norm(). */
enum { GPU_NORM_PARTS = 1024 };
static inline size_t gpu_global_norm_scratch(void) {
    return GPU_NORM_PARTS * sizeof(double);
}

/* Parts of summarise_tensor() and summarise_update(): four blocks of 256 threads on each multiprocessor of an H100,
 * with 4 x 16 bytes a thread on their way, hide the latency of its memory. */
enum { GPU_SUMMARY_PARTS = 4 * 132 };
static inline size_t gpu_summary_scratch(void) {
    return GPU_SUMMARY_PARTS * sizeof(TensorSummary);
}

/* count_idle_units(): parts of rows, each with a mark for at most every column. */
static inline GpuParts gpu_idle_parts(int rows) {
    enum { MOST = 128, MIN_ROWS = 32 };
    const int part = rows > MOST * MIN_ROWS ? gpu_ceiling(rows, MOST) : MIN_ROWS;
    return (GpuParts){part, rows ? gpu_ceiling(rows, part) : 0};
}

static inline size_t gpu_idle_scratch(int rows, int columns) {
    return (size_t)gpu_idle_parts(rows).count * (size_t)columns;
}

/* What attention_backward() sums for each row and head. */
static inline size_t gpu_attention_sums(int batch, int heads, int tokens) {
    return (size_t)batch * (size_t)heads * (size_t)tokens * sizeof(float);
}

/* cuDNN's workspace for the deterministic form of attention_backward(): the scores of all heads, in tiles of 64 x 128.
 * Read off its plans for H100 and H200; the library decides, and kernels/cuda allocates what the plan at hand asks for.
 */
static inline size_t gpu_attention_workspace(int batch, int heads, int tokens) {
    enum { DOWN = 64, ACROSS = 128 };
    const size_t scores = gpu_round_up((size_t)tokens, DOWN) * gpu_round_up((size_t)tokens, ACROSS) * sizeof(uint16_t);
    return (size_t)batch * (size_t)heads * scores + GPU_ALIGNMENT;
}

/* With cuDNN, whose workspace follows the sums, when `type` is BF16. */
static inline size_t gpu_attention_scratch(RealType type, int batch, int heads, int tokens) {
    const size_t sums = gpu_attention_sums(batch, heads, tokens);
    return type == REAL_BF16 ? gpu_round_up(sums, GPU_ALIGNMENT) + gpu_attention_workspace(batch, heads, tokens) : sums;
}

/* linear_backward_input() with an activation, in BF16: the FP32 product of up to a million elements, which stays in the
 * GPU's cache until it is multiplied by the slope and rounded. A larger one would go through memory, at twice the bytes
 * of BF16: 0, it is rounded before, too. */
static inline size_t gpu_slope_scratch(RealType type, int rows, int in) {
    enum { MOST = 1 << 20 };
    const size_t count = (size_t)rows * (size_t)in;
    return type == REAL_BF16 && count <= MOST ? count * sizeof(float) : 0;
}

/* Whether the library has an FP8 product of these shapes. */
static inline bool gpu_fp8_fits(int in, int out) {
    enum { MULTIPLE = 16 };
    return in % MULTIPLE == 0 && out % MULTIPLE == 0;
}

/* Elements before the second factor of a product that is computed in BF16 from the codes' values. */
static inline size_t gpu_fp8_second_factor(int rows, int in) {
    enum { MULTIPLE = 16 };
    return gpu_round_up((size_t)rows * (size_t)in, MULTIPLE);
}

static inline size_t gpu_fp8_scratch(int rows, int in, int out) {
    return gpu_fp8_fits(in, out) ? 0 : (gpu_fp8_second_factor(rows, in) + (size_t)in * (size_t)out) * sizeof(uint16_t);
}

/* Taps of a resampling of at most `from` pixels to `to`. */
static inline int gpu_resize_taps(int from, int to) {
    const double scale = (double)from / to;
    return (int)ceil(2.0 * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
}

/* pixels_to_patches() of images of `height` x `width` that are cropped or resized to `size`: for each row and column of
 * the result its first tap and their number, and the weights. */
static inline size_t gpu_resize_scratch(int batch, int height, int width, int size) {
    const size_t outputs = (size_t)batch * (size_t)size;
    const size_t taps = (size_t)gpu_resize_taps(width, size) + (size_t)gpu_resize_taps(height, size);
    return outputs * (2 * 2 + taps) * sizeof(int32_t);
}

#endif
