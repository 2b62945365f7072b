/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cuda.cuh"
#include "kernels/cuda/real.cuh"
#include "kernels/cuda/summary.cuh"

namespace {

enum { THREADS = 256, VALUES = 4 }; /* VALUES: a thread's, 16 bytes of FP32 */

/* The factors of all elements of a segment. */
struct Rates {
    float scale, decay, step, root, weight1, weight2, eps;
};

__device__ __forceinline__ Rates rates_of(const AdamwSegment &segment, const AdamwValues &values, float scale) {
    const float rate = values.lr * segment.lr_scale;
    const float decay = segment.decay == DECAY_FIRST  ? values.l2sp
                        : segment.decay == DECAY_ZERO ? values.weight_decay
                                                      : 0.0f;
    return Rates{scale,          rate * decay,   rate / values.bias1, 1.0f / sqrtf(values.bias2),
                 values.weight1, values.weight2, values.eps};
}

/* `first`: what the parameter decays to. */
__device__ __forceinline__ void update_element(float &param, float first, float grad, float &m, float &v,
                                               const Rates &r) {
    const float g = grad * r.scale;
    m += r.weight1 * (g - m);
    v += r.weight2 * (g * g - v);
    param = param - r.decay * (param - first) - r.step * m / (sqrtf(v) * r.root + r.eps);
}

/* The last segment that begins at or before element `at`, -1 for none. */
__device__ __forceinline__ int segment_at(const AdamwSegment *segments, int segment_count, size_t at) {
    int low = -1, high = segment_count;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (segments[middle].offset <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct alignas(8) FourBf16 {
    bf16 values[VALUES];
};

/* Bytes: 28 a parameter, 30 with BF16 out, 4 more for one that is pulled to its first value; the list of segments stays
 * in the caches. Floor for the 304 million of ViT-L with BF16 out: 3.0 ms. */
__global__ void __launch_bounds__(THREADS)
    adamw_kernel(float *param, const float *start, bf16 *rounded, const float *grad, float *m, float *v, size_t count,
                 const AdamwSegment *segments, int segment_count, const AdamwValues *values, const float *norm) {
    const float length = *norm;
    if (!isfinite(length))
        return;
    const size_t at = ((size_t)blockIdx.x * THREADS + threadIdx.x) * VALUES;
    if (at >= count)
        return;
    const float scale = values->clip > 0 && length > values->clip ? values->clip / length : 1.0f;
    int s = segment_at(segments, segment_count, at);
    if (s >= 0 && at + VALUES <= count && at + VALUES <= segments[s].offset + segments[s].count) {
        const Rates rates = rates_of(segments[s], *values, scale);
        const Pack<float> gradient = load_pack(grad + at);
        Pack<float> to = {};
        if (segments[s].decay == DECAY_FIRST)
            to = load_pack(start + at);
        Pack<float> p = load_pack(param + at), first = load_pack(m + at), second = load_pack(v + at);
#pragma unroll
        for (int i = 0; i < VALUES; i++)
            update_element(p.values[i], to.values[i], gradient.values[i], first.values[i], second.values[i], rates);
        store_pack(param + at, p);
        store_pack(m + at, first);
        store_pack(v + at, second);
        if (rounded) {
            FourBf16 nearest;
#pragma unroll
            for (int i = 0; i < VALUES; i++)
                nearest.values[i] = from_float<bf16>(p.values[i]);
            *reinterpret_cast<FourBf16 *>(rounded + at) = nearest;
        }
        return;
    }
    /* The four cross the end of a segment, or of the tensor. */
    for (size_t i = at; i < at + VALUES && i < count; i++) {
        while (s + 1 < segment_count && segments[s + 1].offset <= i)
            s++;
        if (s < 0 || i >= segments[s].offset + segments[s].count)
            continue;
        update_element(param[i], segments[s].decay == DECAY_FIRST ? start[i] : 0.0f, grad[i], m[i], v[i],
                       rates_of(segments[s], *values, scale));
        if (rounded)
            rounded[i] = from_float<bf16>(param[i]);
    }
}

/* What the update has taken from a parameter, by what is there now: update_element() solved for what was there. */
__device__ __forceinline__ float update_of(float param, float first, float m, float v, const Rates &r) {
    return (r.decay * (param - first) + r.step * m / (sqrtf(v) * r.root + r.eps)) / (1 - r.decay);
}

/* Parts begin at the last multiple of VALUES before the first element. Bytes: 12 a parameter, 4 more for one that is
 * pulled to its first value; floor for the 304 million of ViT-L: 1.2 ms. */
__global__ void __launch_bounds__(SUMMARY_THREADS)
    summarise_update_parts(const float *param, const float *start, const float *m, const float *v, size_t begin,
                           size_t end, size_t part, const AdamwSegment *segments, int segment_count,
                           const AdamwValues *values, const float *norm, TensorSummary *parts) {
    const size_t low = begin / VALUES * VALUES + blockIdx.x * part, high = low + part < end ? low + part : end;
    const int count = isfinite(*norm) ? segment_count : 0;
    Tally tally = {};
    int s = segment_at(segments, count, low + threadIdx.x * VALUES);
    for (size_t at = low + threadIdx.x * VALUES; at < high; at += SUMMARY_THREADS * VALUES) {
        while (s + 1 < count && segments[s + 1].offset <= at)
            s++;
        if (s >= 0 && at >= begin && at + VALUES <= high && at + VALUES <= segments[s].offset + segments[s].count) {
            const Rates rates = rates_of(segments[s], *values, 1);
            Pack<float> to = {};
            if (segments[s].decay == DECAY_FIRST)
                to = load_pack(start + at);
            const Pack<float> p = load_pack(param + at), first = load_pack(m + at), second = load_pack(v + at);
#pragma unroll
            for (int i = 0; i < VALUES; i++)
                tally_value(tally, update_of(p.values[i], to.values[i], first.values[i], second.values[i], rates));
            continue;
        }
        for (size_t i = at < begin ? begin : at; i < at + VALUES && i < high; i++) {
            while (s + 1 < count && segments[s + 1].offset <= i)
                s++;
            float update = 0;
            if (s >= 0 && i < segments[s].offset + segments[s].count)
                update = update_of(param[i], segments[s].decay == DECAY_FIRST ? start[i] : 0.0f, m[i], v[i],
                                   rates_of(segments[s], *values, 1));
            tally_value(tally, update);
        }
    }
    store_tallies(tally, parts + blockIdx.x);
}

} // namespace

void cuda_adamw(Ops *ops, const Adamw *a) {
    if (ops->error)
        return;
    const size_t blocks = (a->count + (size_t)THREADS * VALUES - 1) / ((size_t)THREADS * VALUES);
    LAUNCH(ops, "adamw", adamw_kernel, (unsigned)blocks, THREADS, 0, a->param, a->first, (bf16 *)a->rounded, a->grad,
           a->m, a->v, a->count, a->segments, a->segment_count, a->values, a->norm);
}

void cuda_summarise_update(Ops *ops, const SummariseUpdate *a) {
    if (ops->error)
        return;
    const size_t before = a->offset % VALUES;
    const SummaryParts parts = summary_parts(ops, "summarise_update", before + a->count, a->summary);
    LAUNCH(ops, "summarise_update", summarise_update_parts, parts.count, SUMMARY_THREADS, 0, a->param, a->first, a->m,
           a->v, a->offset, a->offset + a->count, parts.each, a->segments, a->segment_count, a->values, a->norm,
           parts.at);
    add_summary_parts(ops, parts, a->summary);
}
