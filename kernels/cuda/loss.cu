/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/kernel_error.cuh"
#include "kernels/cuda/vector_load.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>

/* Losses are summed in double, as on the CPU: in each block, then over the blocks, whose number depends on the shape.
 */
enum { WARPS = 8, THREADS = WARPS * WARP };

static inline size_t blocks_of(size_t count, size_t each) {
    return (count + each - 1) / each;
}

/* One block: the sum of the parts over *known, which lies in device memory, or where it is NULL over `divisor`; 0 over
 * 0. Reads 8 bytes a part. */
__global__ void __launch_bounds__(THREADS)
    add_losses(const double *parts, size_t count, const double *known, double divisor, double *loss) {
    SHARED(double, slots, [WARPS]);
    const double by = known ? *known : divisor;
    double total = 0;
    for (size_t i = threadIdx.x; i < count; i += THREADS)
        total += parts[i];
    total = block_sum<THREADS>(total, slots);
    if (threadIdx.x == 0)
        *loss = by > 0 ? total / by : 0.0;
}

static double *loss_parts(Ops *ops, const char *operation, size_t blocks) {
    return (double *)cuda_scratch(ops, operation, gpu_loss_scratch(blocks));
}

template <int N, typename T> __device__ __forceinline__ void clear_row(T *row, int dim) {
    const float zeros[N] = {0};
    for (int i = threadIdx.x % WARP * N; i < dim; i += WARP * N)
        store_vector(row + i, zeros);
}

/* What makes a target's mean 0 and its unbiased variance 1, by a warp. */
typedef struct {
    float shift, scale;
} Standard;

/* A warp keeps this many groups of a target's values in each lane's registers, in all a patch of 16; the rest is
 * read again, from the L1 cache. */
template <int N> struct Kept {
    enum { GROUPS = N == 8 ? 3 : 6, VALUES = GROUPS * WARP * N };
    float values[GROUPS][N];
};

template <int N> __device__ __forceinline__ Standard standardise(const Kept<N> &kept, const float *target, int dim) {
    const int mine = threadIdx.x % WARP * N, beyond = mine + Kept<N>::VALUES;
    double total = 0, squares = 0;
#pragma unroll
    for (int u = 0; u < Kept<N>::GROUPS; u++)
        if (mine + u * WARP * N < dim)
#pragma unroll
            for (int k = 0; k < N; k++)
                total += kept.values[u][k];
    for (int i = beyond; i < dim; i += WARP * N)
        for (int k = 0; k < N; k++)
            total += target[i + k];
    const double mean = warp_sum(total) / dim;
#pragma unroll
    for (int u = 0; u < Kept<N>::GROUPS; u++)
        if (mine + u * WARP * N < dim)
#pragma unroll
            for (int k = 0; k < N; k++)
                squares += (kept.values[u][k] - mean) * (kept.values[u][k] - mean);
    for (int i = beyond; i < dim; i += WARP * N)
        for (int k = 0; k < N; k++)
            squares += (target[i + k] - mean) * (target[i + k] - mean);
    Standard standard;
    standard.shift = (float)mean;
    standard.scale = (float)(1.0 / sqrt(warp_sum(squares) / (dim - 1) + 1e-6));
    return standard;
}

/* Sum of (pred - (target - shift) scale)^2 over N values; the gradient (NULL: not needed) is factor times the
 * differences. */
template <int N, typename T>
__device__ __forceinline__ double square_differences(const T *pred, const float (&target)[N], Standard standard,
                                                     float factor, T *gradient) {
    float differences[N];
    double loss = 0;
    load_vector(pred, differences);
#pragma unroll
    for (int k = 0; k < N; k++) {
        differences[k] -= (target[k] - standard.shift) * standard.scale;
        loss += (double)differences[k] * differences[k];
        differences[k] *= factor;
    }
    if (gradient)
        store_vector(gradient, differences);
    return loss;
}

/* A lane's share of one hidden patch's squared differences. */
template <int N, typename T>
__device__ __forceinline__ double patch_loss(const T *pred, const float *target, bool normalise, float factor,
                                             T *gradient, int dim) {
    const int mine = threadIdx.x % WARP * N;
    Kept<N> kept = {};
#pragma unroll
    for (int u = 0; u < Kept<N>::GROUPS; u++)
        if (mine + u * WARP * N < dim)
            load_vector(target + mine + u * WARP * N, kept.values[u]);
    Standard standard = {0, 1};
    if (normalise)
        standard = standardise(kept, target, dim);
    double loss = 0;
#pragma unroll
    for (int u = 0; u < Kept<N>::GROUPS; u++) {
        const int i = mine + u * WARP * N;
        if (i < dim)
            loss += square_differences(pred + i, kept.values[u], standard, factor, gradient ? gradient + i : NULL);
    }
    for (int i = mine + Kept<N>::VALUES; i < dim; i += WARP * N) {
        float more[N];
        load_vector(target + i, more);
        loss += square_differences(pred + i, more, standard, factor, gradient ? gradient + i : NULL);
    }
    return loss;
}

/* One warp a row, ROWS one after the other. Reads target and the hidden patches of pred once and writes dpred: for each
 * sample dim ((patches - keep) (4 + sizeof(T)) + (1 + patches) sizeof(T)) bytes, with 147 of 196 patches of 768 hidden
 * and BF16 0.98 MB, or 0.32 us (computed). */
enum { ROWS = 4 }; /* with WARPS what gpu_pixel_loss_blocks() says */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS)
    pixel_loss(const T *pred, const float *target, Places places, bool normalise, float factor, double *parts, T *dpred,
               size_t rows, int keep, int dim) {
    SHARED(double, slots, [WARPS]);
    const int tokens = 1 + places.patches, hidden = places.patches - keep;
    double loss = 0;
    for (int i = 0; i < ROWS; i++) {
        const size_t row = ((size_t)blockIdx.x * WARPS + threadIdx.x / WARP) * ROWS + i;
        if (row >= rows)
            break;
        const int sample = (int)(row / tokens), j = (int)(row % tokens) - 1;
        const int place = j < 0 ? 0 : 1 + place_at(places, sample, j);
        if (j >= 0 && place == 0)
            continue;
        const size_t at = ((size_t)sample * tokens + place) * dim;
        if (j >= keep)
            loss += patch_loss<N>(pred + at, target + ((size_t)sample * hidden + j - keep) * dim, normalise, factor,
                                  dpred ? dpred + at : NULL, dim);
        else if (dpred)
            clear_row<N>(dpred + at, dim);
    }
    loss = block_sum<THREADS>(loss, slots);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = loss;
}

void cuda_masked_pixel_loss(Ops *ops, const MaskedPixelLoss *a) {
    if (ops->error || !check_keep(ops, "masked_pixel_loss", a->patches, a->keep))
        return;
    const double values = (double)a->batch * (a->patches - a->keep) * a->dim;
    if (values == 0) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "masked_pixel_loss of %d samples: none of %d patches is hidden",
                                    a->batch, a->patches));
        return;
    }
    const Places places = places_of(ops, "masked_pixel_loss", a->ids, a->patches);
    const float factor = (float)(2.0 * a->grad_scale / values);
    const size_t rows = (size_t)a->batch * (1 + a->patches), blocks = gpu_pixel_loss_blocks(a->batch, a->patches);
    double *parts = loss_parts(ops, "masked_pixel_loss", blocks);
    if (!parts)
        return;
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "masked_pixel_loss", (pixel_loss<T, N>), (unsigned)blocks, THREADS, 0,
                                 (const T *)a->pred, a->target, places, a->normalise, factor, parts, (T *)a->dpred,
                                 rows, a->keep, a->dim)));
    LAUNCH(ops, "masked_pixel_loss", (add_losses), 1, THREADS, 0, parts, blocks, (const double *)NULL, values, a->loss);
}

/* What the terms of a head's gradient are multiplied by. */
__device__ __forceinline__ double head_factor(float grad_scale, const double *known) {
    return *known > 0 ? grad_scale / *known : 0.0;
}

/* The class that a label names; -1, after reporting it, for a label that names none. */
__device__ __forceinline__ int class_of(float label, int sample, int classes, KernelError *error,
                                        const char *operation) {
    if (label >= 0 && label < (float)classes && label == (float)(int)label)
        return (int)label;
    if (report_error(error, KERNEL_ERROR_LABEL, operation, sample, 0, 0, classes))
        error->label = label;
    return -1;
}

/* One sample's cross-entropy, by a warp; every lane gets it. Exponentials are taken of the distance to the largest
 * logit, so that differences from 1 keep their digits. */
template <int N, typename T>
__device__ __forceinline__ double sample_loss(const T *logits, int label, const float *weights, double smoothing,
                                              double factor, T *dlogits, int classes) {
    const int mine = threadIdx.x % WARP * N;
    const double share = smoothing / classes, own = (1.0 - smoothing) * weights[label];
    float largest = -INFINITY, values[N], scales[N];
    double sum = 0, weight = 0, weighted = 0;
    for (int i = mine; i < classes; i += WARP * N) {
        load_vector(logits + i, values);
#pragma unroll
        for (int k = 0; k < N; k++)
            largest = fmaxf(largest, values[k]);
    }
    largest = warp_max(largest);
    for (int i = mine; i < classes; i += WARP * N) {
        load_vector(logits + i, values);
        load_vector(weights + i, scales);
#pragma unroll
        for (int k = 0; k < N; k++) {
            sum += expf(values[k] - largest);
            weight += scales[k];
            weighted += (double)scales[k] * ((double)largest - values[k]);
        }
    }
    sum = warp_sum(sum);
    weight = warp_sum(weight);
    weighted = warp_sum(weighted);
    const double each = (own + share * weight) / sum;
    for (int i = mine; i < classes && dlogits; i += WARP * N) {
        load_vector(logits + i, values);
        load_vector(weights + i, scales);
#pragma unroll
        for (int k = 0; k < N; k++) {
            const double wanted = (i + k == label ? own : 0.0) + share * scales[k];
            values[k] = (float)(factor * (each * expf(values[k] - largest) - wanted));
        }
        store_vector(dlogits + i, values);
    }
    return own * ((double)largest - to_float(logits[label]) + log(sum)) + share * (weighted + weight * log(sum));
}

/* One warp a sample. Reads the logits, twice more from the L1 cache, and writes their gradient: 2 batch classes
 * sizeof(T) bytes, microseconds for any task. A sample whose label is not known or no class contributes nothing to loss
 * and gradient. */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS)
    cross_entropy(const T *logits, const float *labels, const float *weights, const double *known, float smoothing,
                  float grad_scale, double *parts, T *dlogits, KernelError *error, const char *operation, int batch,
                  int classes) {
    SHARED(double, slots, [WARPS]);
    const int sample = blockIdx.x * WARPS + threadIdx.x / WARP;
    double loss = 0;
    if (sample < batch) {
        const float label = labels[sample];
        const int known_class = isnan(label) ? -1 : class_of(label, sample, classes, error, operation);
        T *const gradient = dlogits ? dlogits + (size_t)sample * classes : NULL;
        if (known_class >= 0)
            loss = sample_loss<N>(logits + (size_t)sample * classes, known_class, weights, smoothing,
                                  head_factor(grad_scale, known), gradient, classes);
        else if (gradient)
            clear_row<N>(gradient, classes);
    }
    loss = block_sum<THREADS>(threadIdx.x % WARP == 0 ? loss : 0.0, slots);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = loss;
}

void cuda_cross_entropy_loss(Ops *ops, const CrossEntropyLoss *a) {
    if (ops->error)
        return;
    const size_t blocks = blocks_of((size_t)a->batch, WARPS);
    double *parts = loss_parts(ops, "cross_entropy_loss", blocks);
    if (!parts)
        return;
    KernelError *error = cuda_context(ops)->reported;
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->classes, T, N,
                          LAUNCH(ops, "cross_entropy_loss", (cross_entropy<T, N>), (unsigned)blocks, THREADS, 0,
                                 (const T *)a->logits, a->labels, a->weights, a->known, a->smoothing, a->grad_scale,
                                 parts, (T *)a->dlogits, error, "cross_entropy_loss", a->batch, a->classes)));
    LAUNCH(ops, "cross_entropy_loss", (add_losses), 1, THREADS, 0, parts, blocks, a->known, 0.0, a->loss);
}

/* One output's loss, and its slope in *slope. */
__device__ __forceinline__ double binary_term(double z, double target, double weight, double *slope) {
    /* log(1 + exp(-|z|)), of which one side has |z| more. */
    const double small = exp(-fabs(z)), rest = log1p(small), p = (z < 0 ? small : 1.0) / (1.0 + small);
    *slope = weight * target * (p - 1.0) + (1.0 - target) * p;
    return weight * target * (fmax(-z, 0.0) + rest) + (1.0 - target) * (fmax(z, 0.0) + rest);
}

/* One thread an output. Reads logits and labels and writes dlogits, count (4 + 2 sizeof(T)) bytes: a few outputs a
 * sample, so that starting the kernel takes longer. Outputs whose label is not known contribute nothing. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    binary_entropy(const T *logits, const float *labels, bool ordinal, const float *weights, const double *known,
                   float grad_scale, double *parts, T *dlogits, KernelError *error, const char *operation, size_t count,
                   int outputs) {
    SHARED(double, slots, [WARPS]);
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    double loss = 0, slope = 0;
    if (i < count) {
        const int sample = (int)(i / outputs), k = (int)(i % outputs);
        float target = labels[ordinal ? sample : i];
        bool counts = !isnan(target);
        if (counts && ordinal) {
            const int known_class = class_of(target, sample, outputs + 1, error, operation);
            counts = known_class >= 0;
            target = known_class > k ? 1.0f : 0.0f;
        }
        if (counts)
            loss = binary_term(to_float(logits[i]), target, weights[k], &slope);
        if (dlogits)
            dlogits[i] = from_float<T>((float)(head_factor(grad_scale, known) * slope));
    }
    loss = block_sum<THREADS>(loss, slots);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = loss;
}

void cuda_binary_loss(Ops *ops, const BinaryLoss *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->batch * a->outputs, blocks = blocks_of(count, THREADS);
    double *parts = loss_parts(ops, "binary_loss", blocks);
    if (!parts)
        return;
    KernelError *error = cuda_context(ops)->reported;
    WITH_REAL(ops->type, T,
              LAUNCH(ops, "binary_loss", (binary_entropy<T>), (unsigned)blocks, THREADS, 0, (const T *)a->logits,
                     a->labels, a->ordinal, a->weights, a->known, a->grad_scale, parts, (T *)a->dlogits, error,
                     "binary_loss", count, a->outputs));
    LAUNCH(ops, "binary_loss", (add_losses), 1, THREADS, 0, parts, blocks, a->known, 0.0, a->loss);
}

/* Bytes as above, with pred and target. */
enum { EACH = 8 };
template <typename T>
__global__ void __launch_bounds__(THREADS) regression(const T *pred, const float *target, const double *known,
                                                      float grad_scale, double *parts, T *dpred, size_t count) {
    SHARED(double, slots, [WARPS]);
    const double factor = 2.0 * head_factor(grad_scale, known);
    double loss = 0;
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        const size_t i = ((size_t)blockIdx.x * EACH + k) * THREADS + threadIdx.x;
        if (i < count) {
            const double difference = isnan(target[i]) ? 0.0 : (double)to_float(pred[i]) - target[i];
            loss += difference * difference;
            if (dpred)
                dpred[i] = from_float<T>((float)(factor * difference));
        }
    }
    loss = block_sum<THREADS>(loss, slots);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = loss;
}

void cuda_regression_loss(Ops *ops, const RegressionLoss *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->batch * a->outputs, blocks = blocks_of(count, THREADS * EACH);
    double *parts = loss_parts(ops, "regression_loss", blocks);
    if (!parts)
        return;
    WITH_REAL(ops->type, T,
              LAUNCH(ops, "regression_loss", (regression<T>), (unsigned)blocks, THREADS, 0, (const T *)a->pred,
                     a->target, a->known, a->grad_scale, parts, (T *)a->dpred, count));
    LAUNCH(ops, "regression_loss", (add_losses), 1, THREADS, 0, parts, blocks, a->known, 0.0, a->loss);
}
