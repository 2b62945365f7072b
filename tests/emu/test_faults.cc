/* SPDX-License-Identifier: Apache-2.0 */
/* Requested faults, launches that CUDA refuses, and the list of kernels. */
#include "tests/emu/emulated.h"

#include <stdio.h>

template <int ID> __global__ void mark(int *x) {
    x[0] = ID;
}

static void absent_devices(void **) {
    int driver, runtime, count;
    void *memory;
    fovea_emu.fault(EMU_FAULT_NO_DRIVER, 1);
    assert_int_equal(cudaDriverGetVersion(&driver), cudaSuccess);
    assert_int_equal(driver, 0);
    assert_int_equal(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
    start_again();
    fovea_emu.fault(EMU_FAULT_OLD_DRIVER, 1);
    assert_int_equal(cudaDriverGetVersion(&driver), cudaSuccess);
    assert_int_equal(cudaRuntimeGetVersion(&runtime), cudaSuccess);
    assert_true(0 < driver && driver < runtime);
    assert_int_equal(cudaMalloc(&memory, 8), cudaErrorInsufficientDriver);
    start_again();
    fovea_emu.fault(EMU_FAULT_NO_DEVICE, 1);
    assert_int_equal(cudaGetDeviceCount(&count), cudaErrorNoDevice);
    assert_int_equal(count, 0);
    assert_int_equal(cudaGetLastError(), cudaErrorNoDevice);
    start_again();
    assert_int_equal(cudaGetDeviceCount(&count), cudaSuccess);
    assert_int_equal(count, 1);
}

static void the_device_s_properties(void **) {
    cudaDeviceProp properties;
    int value;
    assert_int_equal(cudaSetDevice(0), cudaSuccess);
    assert_int_equal(cudaSetDevice(1), cudaErrorInvalidDevice);
    assert_int_equal(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    assert_int_equal(properties.major, 9);
    assert_int_equal(properties.multiProcessorCount, 3);
    assert_int_equal(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
    assert_int_equal(value, 227 * 1024);
    cudaGetLastError();
}

static void out_of_memory(void **) {
    void *memory;
    fovea_emu.fault(EMU_FAULT_MEMORY, 2);
    device_bytes(16);
    assert_int_equal(cudaMalloc(&memory, 16), cudaErrorMemoryAllocation);
    assert_null(memory);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    device_bytes(16);
    fovea_emu.fault(EMU_FAULT_PINNED, 1);
    assert_int_equal(cudaMallocHost(&memory, 16), cudaErrorMemoryAllocation);
    assert_int_equal(cudaMallocHost(&memory, 16), cudaSuccess);
    assert_int_equal(cudaFreeHost(memory), cudaSuccess);

    size_t unused, total, before;
    assert_int_equal(cudaMemGetInfo(&unused, &before), cudaSuccess);
    fovea_emu.memory(1000);
    assert_int_equal(cudaMemGetInfo(&unused, &total), cudaSuccess);
    assert_int_equal(unused, 1000 - 32);
    assert_int_equal(total, 1000);
    assert_int_equal(cudaMalloc(&memory, 1000 - 31), cudaErrorMemoryAllocation);
    device_bytes(1000 - 32);
    assert_int_equal(cudaMalloc(&memory, 1), cudaErrorMemoryAllocation);
    fovea_emu.memory(before);
    assert_string_equal(cudaGetErrorString(cudaGetLastError()), "out of memory");
}

/* At the second launch from now the device fails and is unusable until the fault is cleared. */
static void a_device_that_fails(void **) {
    const struct {
        EmuFault fault;
        cudaError_t error;
        const char *text;
    } cases[] = {{EMU_FAULT_LAUNCH, cudaErrorLaunchFailure, "unspecified launch failure: kernel mark<2>"},
                 {EMU_FAULT_ECC, cudaErrorECCUncorrectable, "uncorrectable ECC error encountered: kernel mark<2>"},
                 {EMU_FAULT_LOST, cudaErrorUnknown, "unknown error: kernel mark<2>"}};
    for (const auto &each : cases) {
        int *const x = device_array<int>(1), before = 0, unused;
        void *memory;
        fovea_emu.fault(each.fault, 2);
        LAUNCH(ops, "test", (mark<1>), 1, 1, 0, x);
        LAUNCH(ops, "test", (mark<2>), 1, 1, 0, x);
        LAUNCH(ops, "test", (mark<3>), 1, 1, 0, x);
        assert_int_equal(cudaPeekAtLastError(), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(stream()), each.error);
        assert_string_equal(cudaGetErrorString(each.error), each.text);
        for (int i = 0; i < 2; i++)
            assert_int_equal(cudaGetLastError(), each.error);
        assert_int_equal(cudaMalloc(&memory, 8), each.error);
        assert_int_equal(cudaMemcpyAsync(&before, x, 4, cudaMemcpyDeviceToHost, stream()), each.error);
        assert_int_equal(cudaGetDeviceCount(&unused), each.error);
        start_again();
        assert_int_equal(cudaGetLastError(), cudaSuccess);
        assert_int_equal(host_copy_of(x, 1)[0], 1);
    }
}

static void refused(dim3 grid, dim3 block, size_t shared, cudaError_t error, const char *text) {
    int *const x = device_array<int>(1);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    emu::Kernel<mark<4>>::launch(grid, block, shared, stream(), x);
    assert_string_equal(cudaGetErrorString(cudaPeekAtLastError()), text);
    assert_int_equal(cudaGetLastError(), error);
    assert_int_equal(cudaGetLastError(), cudaSuccess); /* the device is still usable */
}

static void launches_that_cuda_refuses(void **) {
    const cudaError_t configuration = cudaErrorInvalidConfiguration, value = cudaErrorInvalidValue;
    const std::string begin = "invalid configuration argument: kernel mark<4>: ";
    const auto text = [&](const char *end) { return begin + end; };
    refused(1, 1025, 0, configuration, text("blocks of 1025 x 1 x 1 threads").c_str());
    refused(1, dim3(32, 33), 0, configuration, text("blocks of 32 x 33 x 1 threads").c_str());
    refused(1, dim3(1, 1, 65), 0, configuration, text("blocks of 1 x 1 x 65 threads").c_str());
    refused(1, 0, 0, configuration, text("blocks of 0 x 1 x 1 threads").c_str());
    refused(0, 1, 0, configuration, text("a grid of 0 x 1 x 1").c_str());
    refused(dim3(1, 65536), 1, 0, configuration, text("a grid of 1 x 65536 x 1").c_str());
    refused(dim3(1, 1, 65536), 1, 0, configuration, text("a grid of 1 x 1 x 65536").c_str());
    refused(dim3(0x80000000u), 1, 0, configuration, text("a grid of 2147483648 x 1 x 1").c_str());
    refused(1, 1, 48 * 1024 + 1, value,
            "invalid argument: kernel mark<4>: 49153 bytes of dynamic shared memory, the limit is 49152 (raised by "
            "cudaFuncSetAttribute() to at most 232448)");
}

/* Block by block: 40 KiB in an array and the rest at the launch. */
__global__ void much_shared(int *x) {
    SHARED(char, array, [40 * 1024]);
    DYNAMIC_SHARED(char, rest);
    array[0] = rest[0] = 0;
    x[0] = 1;
}
__global__ void too_much_shared(int *x) {
    SHARED(char, one, [40 * 1024]);
    SHARED(char, another, [40 * 1024]);
    one[0] = another[0] = 0;
    x[0] = 1;
}

static cudaError_t allow(int bytes) {
    return cudaFuncSetAttribute(much_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

static void limits_of_shared_memory(void **) {
    int *const x = device_array<int>(1);
    assert_int_equal(allow(227 * 1024 + 1), cudaErrorInvalidValue);
    cudaGetLastError();
    assert_int_equal(allow(227 * 1024), cudaSuccess);
    LAUNCH(ops, "test", much_shared, 2, 1, 187 * 1024, x);
    assert_string_equal(wait_for_all().c_str(), "");
    LAUNCH(ops, "test", much_shared, 2, 1, 188 * 1024, x);
    assert_contains(wait_for_all(), "233472 bytes of shared memory, the limit is 232448");
    start_again();
    LAUNCH(ops, "test", too_much_shared, 1, 1, 0, x);
    assert_contains(wait_for_all(), "81920 bytes of shared memory in arrays, the limit is 49152");
}

static unsigned long executions(const char *name) {
    for (size_t i = 0; i < fovea_emu.kernels(); i++)
        if (!strcmp(fovea_emu.kernel_name(i), name))
            return fovea_emu.kernel_executions(i);
    return (unsigned long)-1;
}

template <typename T, int N> __global__ void never(T *x) {
    x[0] = N;
}
/* Never called. */
void launch_never();
void launch_never() {
    LAUNCH(ops, "test", (never<float, 3>), 1, 1, 0, (float *)nullptr);
}

static void every_kernel_is_listed(void **) {
    int *const x = device_array<int>(1);
    const unsigned long before = executions("mark<1>");
    assert_int_equal(executions("never<float, 3>"), 0);
    LAUNCH(ops, "test", (mark<1>), 1, 1, 0, x);
    assert_int_equal(executions("mark<1>"), before);
    assert_string_equal(wait_for_all().c_str(), "");
    assert_int_equal(executions("mark<1>"), before + 1);
    LAUNCH(ops, "test", (mark<1>), 0, 1, 0, x);
    assert_string_equal(wait_for_all().c_str(), "");
    assert_int_equal(executions("mark<1>"), before + 1);
    assert_null(fovea_emu.kernel_name(fovea_emu.kernels()));
}

static void child_launches() {
    int *const x = device_array<int>(1);
    for (int i = 0; i < 3; i++)
        LAUNCH(ops, "test", (mark<1>), 1, 1, 0, x);
    printf("%s\n", wait_for_all().c_str());
}
static void child_says() {
    size_t unused, total;
    int count;
    const cudaError_t error = cudaGetDeviceCount(&count);
    cudaMemGetInfo(&unused, &total);
    printf("%s, %zu bytes\n", cudaGetErrorName(error), total);
    fflush(stdout);
}
static const Child children[] = {{"launches", child_launches}, {"says", child_says}};

static void variables_of_the_environment(void **) {
    int status;
    assert_contains(run_child("FOVEA_EMU_FAULT=ecc:3", "launches", &status), "uncorrectable ECC error");
    assert_int_equal(status, 0);
    assert_string_equal(run_child("FOVEA_EMU_FAULT=ecc:4 FOVEA_EMU_ORDER=shuffled-again", "launches", &status).c_str(),
                        "\n");
    assert_contains(run_child("FOVEA_EMU_FAULT=ecc:4,lost:1", "launches", &status), "unknown error");
    assert_contains(run_child("FOVEA_EMU_FAULT=no-driver", "says", &status), "cudaErrorInsufficientDriver");
    assert_contains(run_child("FOVEA_EMU_FAULT=no-device", "says", &status), "cudaErrorNoDevice");
    assert_contains(run_child("FOVEA_EMU_MEMORY=12345", "says", &status), "cudaSuccess, 12345 bytes");
    assert_contains(run_child("FOVEA_EMU_FAULT=ecc:x", "says", &status), "FOVEA_EMU_FAULT: no such value: ecc:x");
    assert_contains(run_child("FOVEA_EMU_ORDER=upwards", "says", &status), "FOVEA_EMU_ORDER: no such value: upwards");
}

int main(int argc, char **argv) {
    if (child_main(argc, argv, children, sizeof(children) / sizeof(*children)))
        return 0;
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(absent_devices, prepare, finish),
        cmocka_unit_test_setup_teardown(the_device_s_properties, prepare, finish),
        cmocka_unit_test_setup_teardown(out_of_memory, prepare, finish),
        cmocka_unit_test_setup_teardown(a_device_that_fails, prepare, finish),
        cmocka_unit_test_setup_teardown(launches_that_cuda_refuses, prepare, finish),
        cmocka_unit_test_setup_teardown(limits_of_shared_memory, prepare, finish),
        cmocka_unit_test_setup_teardown(every_kernel_is_listed, prepare, finish),
        cmocka_unit_test_setup_teardown(variables_of_the_environment, prepare, finish),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
