/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of a block and of a warp: what they share, where they meet, in what order they run. Each planted bug has a
 * twin without it. */
#include "tests/emu/emulated.h"

#include "kernels/cuda/warp.cuh"

enum { THREADS = 256, BLOCKS = 7 };

/* Every block's numbers reversed, through shared memory. */
template <bool BUG> __global__ void reverse(int *out) {
    SHARED(int, numbers, [THREADS]);
    numbers[threadIdx.x] = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (!BUG)
        __syncthreads();
    out[blockIdx.x * THREADS + threadIdx.x] = numbers[THREADS - 1 - threadIdx.x];
}

static void a_missing_barrier(void **) {
    std::vector<int> expected = counted(BLOCKS * THREADS);
    for (size_t i = 0; i < expected.size(); i++)
        expected[i] = (int)(i / THREADS * THREADS + THREADS - 1 - i % THREADS);
    assert_true(in_every_order(BLOCKS * THREADS, [](int *out) {
                    LAUNCH(ops, "test", (reverse<false>), BLOCKS, THREADS, 0, out);
                }).equal(expected));
    const Outcome bug = in_every_order(BLOCKS * THREADS,
                                       [](int *out) { LAUNCH(ops, "test", (reverse<true>), BLOCKS, THREADS, 0, out); });
    assert_false(bug.agree());
    assert_true(bug.failures[EMU_ASCENDING].empty());
}

/* The sum of a block in shared memory, which one thread has to clear first. */
template <bool BUG> __global__ void sum(int *out) {
    SHARED(int, total, [1]);
    if (!BUG && threadIdx.x == 0)
        total[0] = 0;
    __syncthreads();
    atomicAdd(&total[0], (int)threadIdx.x);
    __syncthreads();
    if (threadIdx.x == 0)
        out[blockIdx.x] = total[0];
}

static void shared_memory_never_written(void **) {
    const std::vector<int> expected(BLOCKS, THREADS * (THREADS - 1) / 2);
    assert_true(in_every_order(BLOCKS, [](int *out) {
                    LAUNCH(ops, "test", (sum<false>), BLOCKS, THREADS, 0, out);
                }).equal(expected));
    assert_false(
        in_every_order(BLOCKS, [](int *out) { LAUNCH(ops, "test", (sum<true>), BLOCKS, THREADS, 0, out); }).agree());
}

/* Shared memory is NaN as float and as BF16 in ascending order, and the same in every block. */
__global__ void look(int *out) {
    DYNAMIC_SHARED(int, words);
    out[blockIdx.x] = words[threadIdx.x];
    words[threadIdx.x] = 0;
}

static void shared_memory_is_garbage_in_each_block(void **) {
    const Outcome outcome =
        in_every_order(BLOCKS, [](int *out) { LAUNCH(ops, "test", look, BLOCKS, 1, sizeof(int), out); });
    assert_true(outcome.results[EMU_ASCENDING] == std::vector<int>(BLOCKS, -1));
    for (int i = 0; i < EMU_ORDERS; i++) {
        assert_true(outcome.failures[i].empty());
        assert_true(outcome.results[i] == std::vector<int>(BLOCKS, outcome.results[i][0]));
        for (int j = 0; j < i; j++)
            assert_int_not_equal(outcome.results[i][0], outcome.results[j][0]);
    }
}

/* Each block continues where the one before it stopped: blocks have no order. */
template <bool BUG> __global__ void continued(int *out) {
    const int before = BUG && blockIdx.x ? out[blockIdx.x - 1] : (int)blockIdx.x;
    out[blockIdx.x] = before + 1;
}

static void an_order_of_blocks(void **) {
    std::vector<int> expected = counted(BLOCKS + 1);
    expected.erase(expected.begin());
    assert_true(in_every_order(BLOCKS, [](int *out) {
                    LAUNCH(ops, "test", (continued<false>), BLOCKS, 1, 0, out);
                }).equal(expected));
    const Outcome bug =
        in_every_order(BLOCKS, [](int *out) { LAUNCH(ops, "test", (continued<true>), BLOCKS, 1, 0, out); });
    assert_true(bug.results[EMU_ASCENDING] == expected);
    assert_false(bug.agree());
}

/* Which thread takes the first ticket depends on the order. */
__global__ void tickets(int *out) {
    out[1 + threadIdx.x] = atomicAdd(&out[0], 1);
}

static void orders_of_threads(void **) {
    const Outcome outcome = in_every_order(1 + 100, [](int *out) { LAUNCH(ops, "test", tickets, 1, 100, 0, out); });
    for (int i = 0; i < 100; i++) {
        assert_int_equal(outcome.results[EMU_ASCENDING][(size_t)i + 1], i);
        assert_int_equal(outcome.results[EMU_DESCENDING][(size_t)i + 1], 99 - i);
    }
    assert_true(outcome.results[EMU_SHUFFLED] != outcome.results[EMU_ASCENDING]);
    assert_true(outcome.results[EMU_SHUFFLED] != outcome.results[EMU_SHUFFLED_AGAIN]);
}

enum { BARRIER_LINE = __LINE__ + 4 };
template <int REACHED> __global__ void part_way(int *out) {
    if ((int)threadIdx.x >= REACHED)
        return;
    __syncthreads();
    out[threadIdx.x] = 1;
}

static std::string here(int line) {
    return "tests/emu/test_block.cc:" + std::to_string(line);
}

static void a_barrier_that_not_all_reach(void **) {
    assert_true(in_every_order(32, [](int *out) { LAUNCH(ops, "test", (part_way<32>), 2, 32, 0, out); }).agree());
    const Outcome bug = in_every_order(32, [](int *out) { LAUNCH(ops, "test", (part_way<20>), 2, 32, 0, out); });
    assert_true(bug.failed());
    for (const std::string &text : bug.failures)
        assert_contains(text, here(BARRIER_LINE));
    assert_contains(bug.failures[EMU_ASCENDING], "kernel part_way<20>, block (0,0,0), thread (0,0,0)");
    assert_contains(bug.failures[EMU_ASCENDING], "thread (20,0,0) has ended");
}

enum { FIRST_LINE = __LINE__ + 3, SECOND_LINE = __LINE__ + 5 };
template <unsigned SPLIT> __global__ void two_barriers(int *out) {
    if (threadIdx.x < SPLIT)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 1;
}

static void a_barrier_beside_another(void **) {
    assert_true(in_every_order(64, [](int *out) { LAUNCH(ops, "test", (two_barriers<64>), 1, 64, 0, out); }).agree());
    const Outcome bug = in_every_order(64, [](int *out) { LAUNCH(ops, "test", (two_barriers<32>), 1, 64, 0, out); });
    assert_true(bug.failed());
    for (const std::string &text : bug.failures) {
        assert_contains(text, here(FIRST_LINE));
        assert_contains(text, here(SECOND_LINE));
    }
}

enum { SHUFFLE_LINE = __LINE__ + 4 };
template <unsigned REACHED> __global__ void partly_shuffled(int *out) {
    int x = (int)threadIdx.x;
    if (threadIdx.x < REACHED)
        x = __shfl_xor_sync(0xffffffffu, x, 1);
    __syncthreads();
    out[threadIdx.x] = x;
}

static void a_shuffle_that_not_all_reach(void **) {
    assert_true(
        in_every_order(64, [](int *out) { LAUNCH(ops, "test", (partly_shuffled<64>), 1, 64, 0, out); }).agree());
    const Outcome bug = in_every_order(64, [](int *out) { LAUNCH(ops, "test", (partly_shuffled<40>), 1, 64, 0, out); });
    assert_true(bug.failed());
    for (const std::string &text : bug.failures)
        assert_contains(text, here(SHUFFLE_LINE));
    assert_contains(bug.failures[EMU_ASCENDING], "thread (32,0,0): waits for its warp");
}

template <unsigned MASK> __global__ void masked(int *out) {
    if (threadIdx.x < 8)
        out[threadIdx.x] = (int)__ballot_sync(MASK, threadIdx.x % 2);
}

static void lanes_that_a_mask_names(void **) {
    assert_true(in_every_order(8, [](int *out) {
                    LAUNCH(ops, "test", (masked<0xff>), 1, 32, 0, out);
                }).equal(std::vector<int>(8, 0xaa)));
    Outcome bug = in_every_order(8, [](int *out) { LAUNCH(ops, "test", (masked<0xfe>), 1, 32, 0, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[EMU_ASCENDING], "not the calling lane 0");
    bug = in_every_order(8, [](int *out) { LAUNCH(ops, "test", (masked<0xffff>), 1, 8, 0, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[EMU_ASCENDING], "its warp has 8");
}

/* A warp that exchanges through shared memory. */
template <bool BUG> __global__ void exchange(int *out) {
    SHARED(int, numbers, [32]);
    numbers[threadIdx.x] = (int)threadIdx.x;
    if (!BUG)
        __syncwarp();
    out[threadIdx.x] = numbers[threadIdx.x ^ 1];
}

static void a_missing_warp_barrier(void **) {
    assert_true(in_every_order(32, [](int *out) { LAUNCH(ops, "test", (exchange<false>), 1, 32, 0, out); }).agree());
    assert_false(in_every_order(32, [](int *out) { LAUNCH(ops, "test", (exchange<true>), 1, 32, 0, out); }).agree());
}

__global__ void shuffles(int *out) {
    const int lane = (int)threadIdx.x % 32;
    int *const mine = out + 16 * threadIdx.x;
    mine[0] = __shfl_sync(~0u, lane, 5);
    mine[1] = __shfl_sync(~0u, lane, 3, 8);
    mine[2] = __shfl_sync(~0u, lane, 33);
    mine[3] = __shfl_xor_sync(~0u, lane, 16);
    mine[4] = __shfl_xor_sync(~0u, lane, 1, 2);
    mine[5] = __shfl_up_sync(~0u, lane, 3);
    mine[6] = __shfl_up_sync(~0u, lane, 3, 8);
    mine[7] = __shfl_down_sync(~0u, lane, 3);
    mine[8] = __shfl_down_sync(~0u, lane, 3, 8);
    mine[9] = (int)__ballot_sync(~0u, lane & 1);
    mine[10] = __any_sync(~0u, lane == 31) + 2 * __any_sync(~0u, 0);
    mine[11] = __all_sync(~0u, lane < 32) + 2 * __all_sync(~0u, lane < 31);
    mine[12] = __syncthreads_count(threadIdx.x < 40);
    mine[13] = __syncthreads_or(threadIdx.x == 63) + 2 * __syncthreads_or(0);
    mine[14] = __syncthreads_and(1) + 2 * __syncthreads_and(threadIdx.x != 63);
    mine[15] = (int)__shfl_sync(~0u, (long long)lane << 33, 7, 32) + (int)(__shfl_xor_sync(~0u, (double)lane, 2) * 2);
}

static void results_of_shuffles_and_votes(void **) {
    std::vector<int> expected;
    for (int thread = 0; thread < 64; thread++) {
        const int lane = thread % 32, part = lane % 8;
        const int values[16] = {5,
                                lane - part + 3,
                                1,
                                lane ^ 16,
                                lane ^ 1,
                                lane < 3 ? lane : lane - 3,
                                part < 3 ? lane : lane - 3,
                                lane > 28 ? lane : lane + 3,
                                part > 4 ? lane : lane + 3,
                                (int)0xaaaaaaaau,
                                1,
                                1,
                                40,
                                1,
                                1,
                                (lane ^ 2) * 2};
        expected.insert(expected.end(), values, values + 16);
    }
    assert_true(
        in_every_order(64 * 16, [](int *out) { LAUNCH(ops, "test", shuffles, 1, 64, 0, out); }).equal(expected));
}

template <int THREADS_> __global__ void sums(int *out) {
    SHARED(int, slots, [THREADS_ / 32]);
    const int total = block_sum<THREADS_>((int)threadIdx.x, slots),
              largest = block_max<THREADS_>((int)threadIdx.x, slots);
    out[threadIdx.x] = total + largest;
}

static void sums_of_a_block(void **) {
    const int total = 1024 * 1023 / 2 + 1023;
    assert_true(in_every_order(1024, [](int *out) {
                    LAUNCH(ops, "test", (sums<1024>), 1, 1024, 0, out);
                }).equal(std::vector<int>(1024, total)));
}

template <bool BUG> __global__ void beyond(int *out) {
    SHARED(int, row, [10]);
    SHARED(int, other, [10]);
    row[threadIdx.x + (BUG ? 10 : 9)] = 1;
    other[0] = row[9];
    out[0] = BUG ? 0 : other[0];
}

template <bool BUG> __global__ void beyond_dynamic(int *out) {
    DYNAMIC_SHARED(int, row);
    ((volatile int *)row)[BUG ? 10 : 9] = 1;
    out[0] = 1;
}

static void writing_beyond_shared_memory(void **) {
    assert_true(in_every_order(1, [](int *out) { LAUNCH(ops, "test", (beyond<false>), 1, 1, 0, out); }).agree());
    assert_true(
        in_every_order(1, [](int *out) { LAUNCH(ops, "test", (beyond_dynamic<false>), 1, 1, 40, out); }).agree());
    if (ADDRESSES_CHECKED)
        return; /* it would end the program: see test_memory.cc */
    Outcome bug = in_every_order(1, [](int *out) { LAUNCH(ops, "test", (beyond<true>), 1, 1, 0, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[0], "kernel beyond<true>, block (0,0,0): row (40 bytes of shared memory)");
    bug = in_every_order(1, [](int *out) { LAUNCH(ops, "test", (beyond_dynamic<true>), 1, 1, 40, out); });
    assert_true(bug.failed());
    assert_contains(bug.failures[0], "dynamic shared memory (40 bytes");
}

/* Two instantiations and two functions with arrays of one name have an array each; a function called twice has one. */
template <typename T> __device__ T *own_array() {
    SHARED(T, array, [4][2]);
    return &array[0][0];
}

__global__ void arrays(int *out) {
    out[0] = (void *)own_array<int>() != (void *)own_array<float>();
    out[1] = own_array<int>() == own_array<int>();
    out[2] = (uintptr_t)own_array<int>() % 16 == 0 && (uintptr_t)own_array<float>() % 16 == 0;
}

static void arrays_of_functions(void **) {
    assert_true(
        in_every_order(3, [](int *out) { LAUNCH(ops, "test", arrays, 2, 3, 0, out); }).equal(std::vector<int>(3, 1)));
}

__global__ void places(int *out) {
    const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    const unsigned i = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
    out[i] = (int)i;
}

static void every_thread_of_every_block_runs_once(void **) {
    assert_true(in_every_order(24 * 30, [](int *out) {
                    LAUNCH(ops, "test", places, dim3(2, 3, 4), dim3(5, 3, 2), 0, out);
                }).equal(counted(24 * 30)));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_missing_barrier, prepare, finish),
        cmocka_unit_test_setup_teardown(shared_memory_never_written, prepare, finish),
        cmocka_unit_test_setup_teardown(shared_memory_is_garbage_in_each_block, prepare, finish),
        cmocka_unit_test_setup_teardown(an_order_of_blocks, prepare, finish),
        cmocka_unit_test_setup_teardown(orders_of_threads, prepare, finish),
        cmocka_unit_test_setup_teardown(a_barrier_that_not_all_reach, prepare, finish),
        cmocka_unit_test_setup_teardown(a_barrier_beside_another, prepare, finish),
        cmocka_unit_test_setup_teardown(a_shuffle_that_not_all_reach, prepare, finish),
        cmocka_unit_test_setup_teardown(lanes_that_a_mask_names, prepare, finish),
        cmocka_unit_test_setup_teardown(a_missing_warp_barrier, prepare, finish),
        cmocka_unit_test_setup_teardown(results_of_shuffles_and_votes, prepare, finish),
        cmocka_unit_test_setup_teardown(sums_of_a_block, prepare, finish),
        cmocka_unit_test_setup_teardown(writing_beyond_shared_memory, prepare, finish),
        cmocka_unit_test_setup_teardown(arrays_of_functions, prepare, finish),
        cmocka_unit_test_setup_teardown(every_thread_of_every_block_runs_once, prepare, finish),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
