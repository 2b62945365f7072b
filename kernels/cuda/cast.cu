#include "cuda.cuh"
#include "real.cuh"
#include "warp.cuh"

#include <cuda_fp8.h>

namespace {

enum { THREADS = 256, VALUES = 4, STEPS = 2, CHUNK = THREADS * VALUES * STEPS };

template <typename T> struct alignas(VALUES * sizeof(T)) Four { T values[VALUES]; };

/* A thread reads 4 values STEPS times, all before it writes. Bytes: 6 an element either way; floor for ViT-L's 304
 * million: 0.6 ms. */
template <typename From, typename To>
__global__ void __launch_bounds__(THREADS) cast_kernel(const From *x, To *y, size_t count) {
    const size_t start = (size_t)blockIdx.x * CHUNK;
    if (start + CHUNK <= count) {
        Four<From> from[STEPS];
#pragma unroll
        for (int k = 0; k < STEPS; k++)
            from[k] = *reinterpret_cast<const Four<From> *>(x + start + (k * THREADS + threadIdx.x) * VALUES);
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
            Four<To> to;
#pragma unroll
            for (int i = 0; i < VALUES; i++)
                to.values[i] = from_float<To>(to_float(from[k].values[i]));
            *reinterpret_cast<Four<To> *>(y + start + (k * THREADS + threadIdx.x) * VALUES) = to;
        }
        return;
    }
    for (size_t i = start + threadIdx.x; i < count; i += THREADS)
        y[i] = from_float<To>(to_float(x[i]));
}

unsigned chunks_of(size_t count) {
    return (unsigned)((count + CHUNK - 1) / CHUNK);
}

/* A block's tile of codes; a thread writes RUN of them side by side in a transposed row. */
enum { TILE = 64, RUN = 16, PITCH = TILE + 4 };

/* One read of x, TILE x TILE elements a block; the transposed copy passes through shared memory, so that both copies
 * are written in runs of 64 bytes. The largest size goes to *amax as the bits of a float, which are ordered as the
 * floats are. Bytes: an element's size + 1, + 1 with the transposed copy; floor for 50,400 x 1024 in BF16 with it:
 * 67 us. `wide`: whether rows of x and y lie on multiples of a pack; `wide_across`: rows of `transposed` of a run. */
template <typename T, bool TRANSPOSE>
__global__ void __launch_bounds__(THREADS)
    quantise_kernel(const T *x, const float *scale, __nv_fp8_interpretation_t format, uint8_t *y, uint8_t *transposed,
                    unsigned *amax, int rows, int columns, bool wide, bool wide_across) {
    SHARED(uint32_t, codes, [TILE][PITCH / 4]);
    SHARED(unsigned, slots, [THREADS / WARP]);
    enum { COUNT = Pack<T>::COUNT, ACROSS = TILE / COUNT, DOWN = THREADS / ACROSS };
    struct alignas(COUNT) Codes {
        uint32_t words[COUNT / 4];
    };
    const int tiles_across = (columns + TILE - 1) / TILE;
    const int top = (int)(blockIdx.x / tiles_across) * TILE, left = (int)(blockIdx.x % tiles_across) * TILE;
    const int column = threadIdx.x % ACROSS * COUNT;
    const float factor = *scale;
    unsigned largest = 0;
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
            const unsigned low_size = __float_as_uint(low) & 0x7fffffffu;
            const unsigned high_size = __float_as_uint(high) & 0x7fffffffu;
            largest = max(largest, low_size > 0x7f800000u ? 0u : low_size);
            largest = max(largest, high_size > 0x7f800000u ? 0u : high_size);
            const unsigned pair =
                __nv_cvt_float2_to_fp8x2(make_float2(low * factor, high * factor), __NV_SATFINITE, format);
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
    largest = block_max<THREADS>(largest, slots); /* its barriers stand between writing and reading the codes, too */
    if (threadIdx.x == 0)
        atomicMax(amax, largest);
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
void quantise(Ops *ops, const T *x, const float *scale, __nv_fp8_interpretation_t format, uint8_t *y,
              uint8_t *transposed, float *amax, int rows, int columns) {
    const bool wide = columns % Pack<T>::COUNT == 0, wide_across = rows % RUN == 0;
    const unsigned tiles = (unsigned)((rows + TILE - 1) / TILE) * (unsigned)((columns + TILE - 1) / TILE);
    unsigned *bits = (unsigned *)amax;
    if (transposed)
        LAUNCH(ops, "quantise_fp8", (quantise_kernel<T, true>), tiles, THREADS, 0, x, scale, format, y, transposed,
               bits, rows, columns, wide, wide_across);
    else
        LAUNCH(ops, "quantise_fp8", (quantise_kernel<T, false>), tiles, THREADS, 0, x, scale, format, y, transposed,
               bits, rows, columns, wide, wide_across);
}

} // namespace

void cuda_cast_to_bf16(Ops *ops, const float *x, uint16_t *y, size_t count) {
    if (ops->error)
        return;
    LAUNCH(ops, "cast_to_bf16", (cast_kernel<float, bf16>), chunks_of(count), THREADS, 0, x, (bf16 *)y, count);
}

void cuda_cast_from_bf16(Ops *ops, const uint16_t *x, float *y, size_t count) {
    if (ops->error)
        return;
    LAUNCH(ops, "cast_from_bf16", (cast_kernel<bf16, float>), chunks_of(count), THREADS, 0, (const bf16 *)x, y, count);
}

void cuda_quantise_fp8(Ops *ops, const Real *x, const float *scale, Fp8Format format, uint8_t *y, uint8_t *transposed,
                       float *amax, int rows, int columns) {
    if (ops->error ||
        !cuda_check(ops, "quantise_fp8", cudaMemsetAsync(amax, 0, sizeof *amax, cuda_context(ops)->stream)))
        return;
    const __nv_fp8_interpretation_t kind = format == FP8_E4M3 ? __NV_E4M3 : __NV_E5M2;
    WITH_REAL(ops->type, T, quantise<T>(ops, (const T *)x, scale, kind, y, transposed, amax, rows, columns));
}
