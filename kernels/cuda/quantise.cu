/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cuda.cuh"
#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"

#include <cuda_fp8.h>

namespace {

enum { THREADS = 256 };

/* The bits of positive floats have the order of the floats, with NaN above all. */
const unsigned INFINITE = 0x7f800000u;

__device__ __forceinline__ unsigned size_bits(float x) {
    return __float_as_uint(x) & 0x7fffffffu;
}

__device__ __forceinline__ bool is_usable(float amax) {
    return __float_as_uint(amax) > 0 && __float_as_uint(amax) < INFINITE;
}

/* The scale for amax, see Fp8Scale: both formats end at 1.75 times a power of two. */
__device__ __forceinline__ void choose_scale(Fp8Scale *s, float amax) {
    const int MOST = 60, top = s->format == FP8_E4M3 ? 8 : 15 - FP8_MARGIN;
    const unsigned bits = __float_as_uint(amax);
    int power = top - ((int)(bits >> 23) - 127) - (int)((bits & 0x7fffffu) > 0x600000u);
    power = max(-MOST, min(MOST, power));
    s->scale = __uint_as_float((unsigned)(127 + power) << 23);
    s->inverse = __uint_as_float((unsigned)(127 - power) << 23);
}

/* One thread a scale; a model has a few hundred. */
__global__ void __launch_bounds__(THREADS) begin_kernel(Fp8Scale *scales, int count) {
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (i >= count)
        return;
    Fp8Scale *s = scales + i;
    s->amax = 0;
    s->saturated = 0;
    if (s->history[0] == 0) {
        s->scale = 0;
        s->inverse = 1;
    }
}

__global__ void __launch_bounds__(THREADS) update_kernel(Fp8Scale *scales, int count, const float *gate) {
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (i >= count || (gate && !isfinite(*gate)))
        return;
    Fp8Scale *s = scales + i;
    const unsigned overflow = s->saturated > 0 || size_bits(s->amax) >= INFINITE;
    s->recent = s->recent << 1 | overflow;
    s->overflows += overflow;
    s->all_saturated += s->saturated;
    if (is_usable(s->amax)) {
        s->history[s->position] = s->amax;
        s->position = (s->position + 1) % FP8_HISTORY;
        float largest = 0;
        for (int j = 0; j < FP8_HISTORY; j++)
            largest = max(largest, s->history[j]);
        choose_scale(s, largest);
    }
    s->amax = 0;
    s->saturated = 0;
}

/* The tensor's largest size into amax, once in a run, so that speed does not matter. Bytes: an element's size. */
template <typename T>
__global__ void __launch_bounds__(THREADS) measure_kernel(const T *x, Fp8Scale *scale, size_t count) {
    SHARED(unsigned, slots, [THREADS / WARP]);
    if (scale->scale != 0)
        return;
    unsigned largest = 0;
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < count; i += (size_t)gridDim.x * THREADS)
        largest = max(largest, size_bits(to_float(x[i])));
    largest = block_max<THREADS>(largest, slots);
    if (threadIdx.x == 0)
        atomicMax((unsigned *)&scale->amax, largest);
}

__global__ void settle_kernel(Fp8Scale *scale) {
    if (scale->scale == 0 && is_usable(scale->amax))
        choose_scale(scale, scale->amax);
}

/* A block's tile of codes; a thread writes RUN of them side by side in a transposed row. */
enum { TILE = 64, RUN = 16, PITCH = TILE + 4 };

/* One read of x, TILE x TILE elements a block; the transposed copy passes through shared memory, so that both copies
 * are written in runs of 64 bytes. Bytes: an element's size + 1, + 1 with the transposed copy; floor for 50,400 x 1024
 * in BF16 with it: 67 us. `wide`: whether rows of x and y start on multiples of a pack; `wide_across`: rows of
 * `transposed` on multiples of a run. */
template <typename T, bool TRANSPOSE>
__global__ void __launch_bounds__(THREADS)
    quantise_kernel(const T *x, Fp8Scale *scale, bool seen, uint8_t *y, uint8_t *transposed, int rows, int columns,
                    bool wide, bool wide_across) {
    SHARED(uint32_t, codes, [TILE][PITCH / 4]);
    SHARED(unsigned, slots, [THREADS / WARP]);
    enum { COUNT = Pack<T>::COUNT, ACROSS = TILE / COUNT, DOWN = THREADS / ACROSS };
    struct alignas(COUNT) Codes {
        uint32_t words[COUNT / 4];
    };
    const int tiles_across = (columns + TILE - 1) / TILE;
    const int top = (int)(blockIdx.x / tiles_across) * TILE, left = (int)(blockIdx.x % tiles_across) * TILE;
    const int column = threadIdx.x % ACROSS * COUNT;
    const float factor = scale->scale != 0 ? scale->scale : 1.0f;
    const __nv_fp8_interpretation_t format = scale->format == FP8_E4M3 ? __NV_E4M3 : __NV_E5M2;
    const float limit = scale->format == FP8_E4M3 ? 448.0f : 57344.0f;
    unsigned largest = 0, saturated = 0;
#pragma unroll
    for (int down = 0; down < TILE; down += DOWN) {
        const int row = down + threadIdx.x / ACROSS;
        const int inside = top + row < rows ? min(COUNT, columns - left - column) : 0;
        const size_t at = (size_t)(top + row) * columns + left + column;
        Pack<T> pack;
        if (wide && inside == COUNT)
            pack = load_pack(x + at);
        else
#pragma unroll
            for (int i = 0; i < COUNT; i++)
                pack.values[i] = i < inside ? x[at + i] : from_float<T>(0.0f);
        Codes out = {};
#pragma unroll
        for (int i = 0; i < COUNT; i += 2) {
            const float low = to_float(pack.values[i]), high = to_float(pack.values[i + 1]);
            const float2 scaled = make_float2(low * factor, high * factor);
            largest = max(largest, max(size_bits(low), size_bits(high)));
            saturated += (fabsf(scaled.x) > limit) + (fabsf(scaled.y) > limit);
            const unsigned pair = __nv_cvt_float2_to_fp8x2(scaled, __NV_SATFINITE, format);
            out.words[i / 4] |= pair << i % 4 * 8;
        }
        if (wide && inside == COUNT)
            *reinterpret_cast<Codes *>(y + at) = out;
        else
#pragma unroll
            for (int i = 0; i < COUNT; i++)
                if (i < inside)
                    y[at + i] = (uint8_t)(out.words[i / 4] >> i % 4 * 8);
        if (TRANSPOSE)
#pragma unroll
            for (int i = 0; i < COUNT / 4; i++)
                codes[row][column / 4 + i] = out.words[i];
    }
    largest = block_max<THREADS>(largest, slots); /* its barriers also separate writing and reading the codes */
    saturated = block_sum<THREADS>(saturated, slots);
    if (threadIdx.x == 0 && !seen) {
        atomicMax((unsigned *)&scale->amax, largest);
        if (saturated)
            atomicAdd(&scale->saturated, saturated);
    }
    if (!TRANSPOSE)
        return;
    const int row = threadIdx.x % (TILE / RUN) * RUN, from = threadIdx.x / (TILE / RUN);
    if (left + from >= columns)
        return;
    Pack<uint8_t> run;
#pragma unroll
    for (int i = 0; i < RUN; i++)
        run.values[i] = (uint8_t)(codes[row + i][from / 4] >> from % 4 * 8);
    uint8_t *to = transposed + (size_t)(left + from) * rows + top + row;
    if (wide_across && top + row + RUN <= rows)
        store_pack(to, run);
    else
#pragma unroll
        for (int i = 0; i < RUN; i++)
            if (top + row + i < rows)
                to[i] = run.values[i];
}

template <typename T>
void quantise(Ops *ops, const T *x, Fp8Scale *scale, bool seen, uint8_t *y, uint8_t *transposed, int rows,
              int columns) {
    const bool wide = columns % Pack<T>::COUNT == 0, wide_across = rows % RUN == 0;
    const unsigned tiles = (unsigned)((rows + TILE - 1) / TILE) * (unsigned)((columns + TILE - 1) / TILE);
    if (transposed)
        LAUNCH(ops, "quantise_fp8", (quantise_kernel<T, true>), tiles, THREADS, 0, x, scale, seen, y, transposed, rows,
               columns, wide, wide_across);
    else
        LAUNCH(ops, "quantise_fp8", (quantise_kernel<T, false>), tiles, THREADS, 0, x, scale, seen, y, transposed, rows,
               columns, wide, wide_across);
}

} // namespace

static unsigned blocks_of(size_t count) {
    return (unsigned)((count + THREADS - 1) / THREADS);
}

void cuda_begin_fp8(Ops *ops, const BeginFp8 *a) {
    if (!ops->error)
        LAUNCH(ops, "begin_fp8", begin_kernel, blocks_of(a->count), THREADS, 0, a->scales, a->count);
}

void cuda_update_fp8(Ops *ops, const UpdateFp8 *a) {
    if (!ops->error)
        LAUNCH(ops, "update_fp8", update_kernel, blocks_of(a->count), THREADS, 0, a->scales, a->count, a->gate);
}

void cuda_measure_fp8(Ops *ops, const MeasureFp8 *a) {
    const unsigned MOST = 1024; /* blocks: enough for every GPU's processors */
    if (ops->error)
        return;
    const unsigned blocks = min(blocks_of(a->count), most_blocks(MOST));
    WITH_REAL(ops->type, T,
              LAUNCH(ops, "measure_fp8", (measure_kernel<T>), blocks, THREADS, 0, (const T *)a->x, a->scale, a->count));
    LAUNCH(ops, "measure_fp8", settle_kernel, 1, 1, 0, a->scale);
}

void cuda_quantise_fp8(Ops *ops, const QuantiseFp8 *a) {
    if (!ops->error)
        WITH_REAL(ops->type, T,
                  quantise<T>(ops, (const T *)a->x, a->scale, a->seen, a->y, a->transposed, a->rows, a->columns));
}
