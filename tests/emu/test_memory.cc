/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a kernel, a copy or the host must not touch, and the launch's arguments. */
#include "tests/emu/emulated.h"

#include "kernels/cuda/real.cuh"

enum { COUNT = 100 };

enum { READ_LINE = __LINE__ + 2 };
template <bool BUG> __global__ void read_beyond(const float *x, float *y, int count) {
    y[threadIdx.x] = x[threadIdx.x + (BUG ? 1 : 0)];
    (void)count;
}

enum { WRITE_LINE = __LINE__ + 3 };
template <bool BUG> __global__ void write_beyond(float *y, int count) {
    if ((int)threadIdx.x < count + (BUG ? 1 : 0))
        y[threadIdx.x] = 1;
}

enum { SHARED_LINE = __LINE__ + 3 };
__global__ void write_beyond_shared(float *y) {
    SHARED(float, row, [COUNT]);
    ((volatile float *)row)[threadIdx.x] = 1;
    y[0] = row[0];
}

/* Reading beyond an array gives NaN, so that results are wrong even where nothing else detects it. */
static void reading_beyond(void **) {
    const float *x = device_copy_of(std::vector<float>(COUNT, 1));
    float *y = device_array<float>(COUNT);
    LAUNCH(ops, "test", (read_beyond<false>), 1, COUNT, 0, x, y, COUNT);
    assert_string_equal(wait_for_all().c_str(), "");
    assert_true(host_copy_of(y, COUNT) == std::vector<float>(COUNT, 1));
    if (ADDRESSES_CHECKED)
        return;
    LAUNCH(ops, "test", (read_beyond<true>), 1, COUNT, 0, x, y, COUNT);
    assert_string_equal(wait_for_all().c_str(), "");
    assert_true(isnan(host_copy_of(y, COUNT)[COUNT - 1]));
}

static void writing_beyond(void **) {
    float *y = device_array<float>(COUNT);
    LAUNCH(ops, "test", (write_beyond<false>), 1, COUNT + 28, 0, y, COUNT);
    assert_string_equal(wait_for_all().c_str(), "");
    if (ADDRESSES_CHECKED)
        return;
    LAUNCH(ops, "test", (write_beyond<true>), 1, COUNT + 28, 0, y, COUNT);
    const std::string text = wait_for_all();
    assert_contains(text, "kernel write_beyond<true>: device memory was written beyond the ends of allocation");
    assert_contains(text, "of 400 bytes");
}

static void child_reads() {
    const float *x = device_copy_of(std::vector<float>(COUNT, 1));
    float *y = device_array<float>(COUNT);
    LAUNCH(ops, "test", (read_beyond<true>), 1, COUNT, 0, x, y, COUNT);
}
static void child_writes() {
    float *y = device_array<float>(COUNT);
    LAUNCH(ops, "test", (write_beyond<true>), 1, COUNT + 28, 0, y, COUNT);
}
static void child_writes_shared() {
    float *y = device_array<float>(COUNT);
    LAUNCH(ops, "test", write_beyond_shared, 1, COUNT + 28, 0, y);
}
enum { HOST_LINE = __LINE__ + 3 };
static void child_host_reads() {
    const float *x = device_copy_of(std::vector<float>(COUNT, 1));
    volatile float read = x[0];
    (void)read;
}
static void child_host_reads_freed() {
    void *x;
    cudaMalloc(&x, COUNT);
    cudaFree(x);
    volatile char read = *(char *)x;
    (void)read;
}
static const Child children[] = {{"reads", child_reads},
                                 {"writes", child_writes},
                                 {"writes-shared", child_writes_shared},
                                 {"host-reads", child_host_reads},
                                 {"host-reads-freed", child_host_reads_freed}};

/* The sanitizer's report, or without it what the emulator itself finds after the kernel. */
static void reports_of_a_whole_program(void **) {
    int status;
    if (!ADDRESSES_CHECKED) {
        assert_contains(run_child("", "writes", &status), "was written beyond the ends of allocation");
        assert_contains(run_child("", "writes-shared", &status), "row (400 bytes of shared memory) was written beyond");
        return;
    }
    const struct {
        const char *child, *kind;
        int line;
    } cases[] = {{"reads", "READ of size 4", READ_LINE},
                 {"writes", "WRITE of size 4", WRITE_LINE},
                 {"writes-shared", "WRITE of size 4", SHARED_LINE},
                 {"host-reads", "READ of size 4", HOST_LINE}};
    for (const auto &each : cases) {
        const std::string text = run_child("", each.child, &status);
        assert_int_not_equal(status, 0);
        assert_contains(text, "AddressSanitizer: use-after-poison");
        assert_contains(text, each.kind);
        assert_contains(text.substr(0, text.find("#1 ")), "test_memory.cc:" + std::to_string(each.line));
    }
    assert_contains(run_child("", "host-reads-freed", &status), "AddressSanitizer: heap-use-after-free");
}

__global__ void add(int *x, const int *y) {
    x[threadIdx.x] += y[threadIdx.x];
}

static void host_memory_in_a_launch(void **) {
    int *x = device_copy_of(counted(8)), y[8] = {};
    LAUNCH(ops, "test", add, 1, 8, 0, x, x);
    assert_string_equal(wait_for_all().c_str(), "");
    LAUNCH(ops, "test", add, 1, 8, 0, x, y);
    assert_contains(wait_for_all(), "kernel add: argument 2 is host memory");
    start_again();
    void *gone;
    cudaMalloc(&gone, 64);
    cudaFree(gone);
    LAUNCH(ops, "test", add, 1, 8, 0, (int *)gone, x);
    assert_contains(wait_for_all(), "kernel add: argument 1 is host memory");
}

/* The end of an array and NULL are arguments of kernels that have no work. */
__global__ void nothing(const float *, const float *, const char *text, float *out) {
    *out = text[0] == 't';
}

static void arguments_that_are_no_memory(void **) {
    float *x = device_array<float>(COUNT);
    LAUNCH(ops, "test", nothing, 1, 1, 0, x + COUNT, nullptr, "text", x);
    assert_string_equal(wait_for_all().c_str(), "");
    assert_true(host_copy_of(x, 1)[0] == 1);
}

template <typename T> __global__ void packs(const T *x, T *y) {
    store_pack(y, load_pack(x));
}

template <typename T> static void check_packs() {
    T *x = device_array<T>(64), *y = device_array<T>(64);
    LAUNCH(ops, "test", (packs<T>), 1, 1, 0, x + 16 / sizeof(T), y);
    assert_string_equal(wait_for_all().c_str(), "");
    LAUNCH(ops, "test", (packs<T>), 1, 1, 0, x + 1, y);
    assert_contains(wait_for_all(), "are not aligned");
    start_again();
    LAUNCH(ops, "test", (packs<T>), 1, 1, 0, x, y + 2);
    assert_contains(wait_for_all(), "are not aligned");
    start_again();
}

static void misaligned_packs(void **) {
    check_packs<float>();
    check_packs<bf16>();
}

static void new_memory_is_nan_and_aligned(void **) {
    for (size_t bytes : {1, 255, 256, 1000}) {
        unsigned char *at = device_array<unsigned char>(bytes);
        assert_int_equal((uintptr_t)at % 256, 0);
        assert_true(host_copy_of(at, bytes) == std::vector<unsigned char>(bytes, 0xff));
    }
}

static void freeing(void **) {
    void *x;
    const size_t before = fovea_emu.allocated();
    assert_int_equal(cudaMalloc(&x, 1000), cudaSuccess);
    assert_int_equal(fovea_emu.allocated(), before + 1000);
    assert_int_equal(cudaFree((char *)x + 16), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(x), cudaSuccess);
    assert_int_equal(cudaFree(x), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(nullptr), cudaSuccess);
    assert_int_equal(fovea_emu.allocated(), before);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
}

static void copies_know_whose_memory_it_is(void **) {
    int x[8], *y = device_array<int>(8);
    const auto copy = [](void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
        return cudaMemcpyAsync(to, from, bytes, kind, stream());
    };
    assert_int_equal(copy(y, x, 32, cudaMemcpyHostToDevice), cudaSuccess);
    assert_int_equal(copy(x, y, 32, cudaMemcpyDeviceToHost), cudaSuccess);
    assert_int_equal(copy(x, y, 32, cudaMemcpyDefault), cudaSuccess);
    assert_int_equal(copy(x, y, 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(copy(x, y, 32, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
    assert_int_equal(copy(y, x, 32, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    assert_int_equal(copy(y, x, 33, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(copy(x, y + 1, 32, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    assert_int_equal(cudaMemsetAsync(y, 0, 33, stream()), cudaErrorInvalidValue);
    assert_int_equal(cudaMemsetAsync(x, 0, 32, stream()), cudaErrorInvalidValue);
    assert_string_equal(wait_for_all().c_str(), "");
}

int main(int argc, char **argv) {
    if (child_main(argc, argv, children, sizeof(children) / sizeof(*children)))
        return 0;
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reading_beyond, prepare, finish),
        cmocka_unit_test_setup_teardown(writing_beyond, prepare, finish),
        cmocka_unit_test_setup_teardown(reports_of_a_whole_program, prepare, finish),
        cmocka_unit_test_setup_teardown(host_memory_in_a_launch, prepare, finish),
        cmocka_unit_test_setup_teardown(arguments_that_are_no_memory, prepare, finish),
        cmocka_unit_test_setup_teardown(misaligned_packs, prepare, finish),
        cmocka_unit_test_setup_teardown(new_memory_is_nan_and_aligned, prepare, finish),
        cmocka_unit_test_setup_teardown(freeing, prepare, finish),
        cmocka_unit_test_setup_teardown(copies_know_whose_memory_it_is, prepare, finish),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
