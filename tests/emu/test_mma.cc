/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of a warp, matrix loads and asynchronous copies, against plain loops over the layouts that
 * kernels/cuda/mma.cuh describes. */
#include "tests/emu/emulated.h"

#include "kernels/cuda/real.cuh"

__device__ uint32_t pair_of(const bf16 *low, const bf16 *high) {
    return (uint32_t)__bfloat16_as_ushort(*high) << 16 | __bfloat16_as_ushort(*low);
}

/* d += a b for row-major a [16][16], b [16][8]. */
__global__ void product(const bf16 *a, const bf16 *b, float *d, int times) {
    const unsigned group = threadIdx.x / 4, pair = threadIdx.x % 4;
    uint32_t of_a[4], of_b[2];
    for (unsigned i = 0; i < 4; i++) {
        const unsigned row = group + (i == 1 || i == 3 ? 8 : 0), column = 2 * pair + (i >= 2 ? 8 : 0);
        of_a[i] = pair_of(&a[16 * row + column], &a[16 * row + column + 1]);
    }
    for (unsigned i = 0; i < 2; i++)
        of_b[i] = pair_of(&b[8 * (2 * pair + 8 * i) + group], &b[8 * (2 * pair + 8 * i + 1) + group]);
    float *const rows[2] = {&d[8 * group + 2 * pair], &d[8 * (group + 8) + 2 * pair]};
    float of_d[4] = {rows[0][0], rows[0][1], rows[1][0], rows[1][1]};
    for (int i = 0; i < times; i++)
        mma_bf16(of_d, of_a, of_b);
    rows[0][0] = of_d[0];
    rows[0][1] = of_d[1];
    rows[1][0] = of_d[2];
    rows[1][1] = of_d[3];
}

static std::vector<bf16> numbers(size_t count, unsigned seed) {
    std::vector<bf16> values(count);
    for (bf16 &value : values) {
        seed = seed * 1664525u + 1013904223u;
        value = __float2bfloat16_rn((float)(int)(seed >> 16) / 32768.0f - 1.0f);
    }
    return values;
}

static void a_product(void **) {
    const std::vector<bf16> a = numbers(16 * 16, 1), b = numbers(16 * 8, 2);
    std::vector<float> first(16 * 8);
    for (size_t i = 0; i < first.size(); i++)
        first[i] = (float)i / 100;
    const bf16 *const of_a = device_copy_of(a), *const of_b = device_copy_of(b);
    for (int order = 0; order < EMU_ORDERS; order++) {
        fovea_emu.order((EmuOrder)order);
        float *const of_d = device_copy_of(first);
        LAUNCH(ops, "test", product, 1, 32, 0, of_a, of_b, of_d, 1);
        assert_string_equal(wait_for_all().c_str(), "");
        const std::vector<float> d = host_copy_of(of_d, 16 * 8);
        for (size_t row = 0; row < 16; row++)
            for (size_t column = 0; column < 8; column++) {
                double sum = first[8 * row + column], size = sum;
                for (size_t k = 0; k < 16; k++) {
                    const double term = (double)to_float(a[16 * row + k]) * to_float(b[8 * k + column]);
                    sum += term;
                    size += fabs(term);
                }
                /* 16 additions in FP32 in any order, each with a rounding of at most the terms' sizes. */
                assert_true(fabs(sum - d[8 * row + column]) <= 16 * 0x1p-24 * size);
            }
    }
}

template <bool TRANSPOSED> __global__ void load(const int *unused, int *out) {
    SHARED(uint16_t, matrices, [32][8]);
    (void)unused;
    for (unsigned i = 0; i < 8; i++)
        matrices[threadIdx.x][i] = (uint16_t)(8 * threadIdx.x + i);
    __syncwarp();
    uint32_t parts[4];
    if (TRANSPOSED)
        load_matrices_transposed(parts, matrices[threadIdx.x]);
    else
        load_matrices(parts, matrices[threadIdx.x]);
    for (unsigned i = 0; i < 4; i++)
        out[4 * threadIdx.x + i] = (int)parts[i];
}

static void loading_matrices(void **) {
    for (int transposed = 0; transposed < 2; transposed++) {
        std::vector<int> expected;
        for (int lane = 0; lane < 32; lane++)
            for (int matrix = 0; matrix < 4; matrix++) {
                const int row = lane / 4, column = 2 * (lane % 4);
                const int low = transposed ? 8 * column + row : 8 * row + column;
                const int high = transposed ? 8 * (column + 1) + row : 8 * row + column + 1;
                expected.push_back((64 * matrix + high) << 16 | (64 * matrix + low));
            }
        assert_true(in_every_order(32 * 4, [&](int *out) {
                        if (transposed)
                            LAUNCH(ops, "test", (load<true>), 1, 32, 0, nullptr, out);
                        else
                            LAUNCH(ops, "test", (load<false>), 1, 32, 0, nullptr, out);
                    }).equal(expected));
    }
}

enum { PARTLY_LINE = __LINE__ + 5 };
template <unsigned REACHED> __global__ void partly(int *out) {
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {};
    if (threadIdx.x < REACHED)
        mma_bf16(d, a, b);
    out[threadIdx.x] = (int)d[0];
}

static void a_product_that_not_all_lanes_reach(void **) {
    assert_true(in_every_order(64, [](int *out) { LAUNCH(ops, "test", (partly<64>), 1, 64, 0, out); }).agree());
    const Outcome bug = in_every_order(64, [](int *out) { LAUNCH(ops, "test", (partly<63>), 1, 64, 0, out); });
    assert_true(bug.failed());
    for (const std::string &text : bug.failures)
        assert_contains(text, "test_mma.cc:" + std::to_string(PARTLY_LINE));
}

template <int OFFSET> __global__ void load_at(int *out) {
    SHARED(uint16_t, row, [32 + OFFSET]);
    uint32_t parts[4];
    load_matrices(parts, &row[OFFSET]);
    out[threadIdx.x] = 1;
}
__global__ void load_global(int *out) {
    uint32_t parts[4];
    load_matrices(parts, out);
}

static void matrix_rows_are_in_shared_memory_and_aligned(void **) {
    assert_true(in_every_order(32, [](int *out) { LAUNCH(ops, "test", (load_at<8>), 1, 32, 0, out); }).agree());
    Outcome bug = in_every_order(32, [](int *out) { LAUNCH(ops, "test", (load_at<1>), 1, 32, 0, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[0], "are not aligned");
    bug = in_every_order(32, [](int *out) { LAUNCH(ops, "test", load_global, 1, 32, 0, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[0], "not in the block's shared memory");
}

/* Each thread fetches 16 bytes and uses its neighbour's. */
enum Fault { NO_FAULT, NO_WAIT, NO_BARRIER, ONE_TOO_FEW, NO_COMMIT };
template <Fault FAULT> __global__ void fetch(const int *in, int *out) {
    SHARED(int4, numbers, [2][64]);
    const unsigned i = threadIdx.x, next = (i + 1) % 64;
    copy_start(&numbers[0][i], &((const int4 *)in)[i], i < 60);
    copy_commit();
    copy_start(&numbers[1][i], &((const int4 *)in)[64 + i], true);
    if (FAULT != NO_COMMIT)
        copy_commit();
    copy_wait<1>();
    __syncthreads();
    const int4 first = numbers[0][next];
    if (FAULT != NO_WAIT)
        copy_wait<FAULT == ONE_TOO_FEW ? 1 : 0>();
    if (FAULT != NO_BARRIER)
        __syncthreads();
    const int4 second = numbers[1][next];
    out[i] = first.x + first.w + second.y + second.z;
}

static void fetched(void **) {
    const int *in = device_copy_of(counted(4 * 128));
    std::vector<int> expected;
    for (int i = 0; i < 64; i++) {
        const int first = 4 * ((i + 1) % 64), second = first + 4 * 64;
        expected.push_back((first < 240 ? 2 * first + 3 : 0) + 2 * second + 3);
    }
    assert_true(in_every_order(64, [&](int *out) {
                    LAUNCH(ops, "test", (fetch<NO_FAULT>), 1, 64, 0, in, out);
                }).equal(expected));
    assert_false(in_every_order(64, [&](int *out) {
                     LAUNCH(ops, "test", (fetch<NO_WAIT>), 1, 64, 0, in, out);
                 }).equal(expected));
    assert_false(in_every_order(64, [&](int *out) {
                     LAUNCH(ops, "test", (fetch<NO_BARRIER>), 1, 64, 0, in, out);
                 }).equal(expected));
    assert_false(in_every_order(64, [&](int *out) {
                     LAUNCH(ops, "test", (fetch<ONE_TOO_FEW>), 1, 64, 0, in, out);
                 }).equal(expected));
    assert_false(in_every_order(64, [&](int *out) {
                     LAUNCH(ops, "test", (fetch<NO_COMMIT>), 1, 64, 0, in, out);
                 }).equal(expected));
}

template <int BYTES> __global__ void fetch_at(const char *in, int *out, int size) {
    DYNAMIC_SHARED(char, room);
    copy_start(room, (const unsigned char *)in + BYTES, true);
    copy_commit();
    copy_wait<0>();
    out[0] = room[0] + size;
}

static void copies_are_of_16_aligned_bytes_of_device_memory(void **) {
    const char *in = (const char *)device_bytes(64);
    const auto run = [in](auto launch) { return in_every_order(1, [&](int *out) { launch(in, out); }); };
    assert_true(
        run([](const char *from, int *out) { LAUNCH(ops, "test", (fetch_at<48>), 1, 1, 16, from, out, 1); }).agree());
    Outcome bug = run([](const char *from, int *out) { LAUNCH(ops, "test", (fetch_at<4>), 1, 1, 16, from, out, 1); });
    assert_contains(bug.failures[0], "are not aligned");
    bug = run([](const char *from, int *out) { LAUNCH(ops, "test", (fetch_at<64>), 1, 1, 16, from, out, 1); });
    assert_contains(bug.failures[0], "not in device memory");
    bug = run([](const char *from, int *out) { LAUNCH(ops, "test", (fetch_at<0>), 1, 1, 15, from, out, 1); });
    assert_contains(bug.failures[0], "not in the block's shared memory");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_product, prepare, finish),
        cmocka_unit_test_setup_teardown(loading_matrices, prepare, finish),
        cmocka_unit_test_setup_teardown(a_product_that_not_all_lanes_reach, prepare, finish),
        cmocka_unit_test_setup_teardown(matrix_rows_are_in_shared_memory_and_aligned, prepare, finish),
        cmocka_unit_test_setup_teardown(fetched, prepare, finish),
        cmocka_unit_test_setup_teardown(copies_are_of_16_aligned_bytes_of_device_memory, prepare, finish),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
