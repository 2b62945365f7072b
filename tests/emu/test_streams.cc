/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, events, copies and captured work: done when waited for, in order, and no sooner. */
#include "tests/emu/emulated.h"

enum { COUNT = 64 };

__global__ void add(int *x, int value) {
    x[threadIdx.x] += value;
}

struct Pinned {
    int *values;
    Pinned() {
        assert_int_equal(cudaMallocHost(&values, COUNT * sizeof(int)), cudaSuccess);
        for (int i = 0; i < COUNT; i++)
            values[i] = i;
    }
    ~Pinned() {
        cudaFreeHost(values);
    }
};

struct Side {
    cudaStream_t stream;
    cudaEvent_t event;
    Side() {
        assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
        assert_int_equal(cudaEventCreate(&event), cudaSuccess);
    }
    ~Side() {
        cudaEventDestroy(event);
        cudaStreamDestroy(stream);
    }
};

static const size_t BYTES = COUNT * sizeof(int);

static void pageable_memory_is_read_at_the_call(void **) {
    std::vector<int> x = counted(COUNT);
    int *const y = device_array<int>(COUNT);
    assert_int_equal(cudaMemcpyAsync(y, x.data(), BYTES, cudaMemcpyHostToDevice, stream()), cudaSuccess);
    x.assign(COUNT, -1);
    assert_true(host_copy_of(y, COUNT) == counted(COUNT));
}

static void pinned_memory_is_read_when_the_stream_gets_there(void **) {
    const Pinned pinned;
    int *const y = device_array<int>(COUNT);
    assert_int_equal(cudaMemcpyAsync(y, pinned.values, BYTES, cudaMemcpyHostToDevice, stream()), cudaSuccess);
    pinned.values[0] = -7;
    assert_int_equal(host_copy_of(y, COUNT)[0], -7);
}

static void pinned_memory_is_written_when_the_stream_gets_there(void **) {
    const Pinned pinned;
    int *const y = device_copy_of(std::vector<int>(COUNT, 5));
    assert_int_equal(cudaMemcpyAsync(pinned.values, y, BYTES, cudaMemcpyDeviceToHost, stream()), cudaSuccess);
    assert_int_equal(pinned.values[1], 1);
    assert_int_equal(cudaStreamSynchronize(stream()), cudaSuccess);
    assert_int_equal(pinned.values[1], 5);
}

/* One stream produces, another consumes; the bug is the missing wait. */
static void a_missing_wait_between_streams(void **) {
    for (int bug = 0; bug < 2; bug++) {
        const Side side;
        int *const x = device_copy_of(counted(COUNT)), *const y = device_array<int>(COUNT);
        assert_int_equal(cudaStreamSynchronize(stream()), cudaSuccess);
        LAUNCH(ops, "test", add, 1, COUNT, 0, x, 100);
        assert_int_equal(cudaEventRecord(side.event, stream()), cudaSuccess);
        if (!bug)
            assert_int_equal(cudaStreamWaitEvent(side.stream, side.event, 0), cudaSuccess);
        assert_int_equal(cudaMemcpyAsync(y, x, BYTES, cudaMemcpyDeviceToDevice, side.stream), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(side.stream), cudaSuccess);
        std::vector<int> read(COUNT);
        cudaMemcpyAsync(read.data(), y, BYTES, cudaMemcpyDeviceToHost, side.stream);
        assert_int_equal(read[3], bug ? 3 : 103);
    }
}

/* An event stands for the place where it was last recorded before the call that waits. */
static void an_event_recorded_again(void **) {
    const Side side;
    int *const x = device_copy_of(counted(COUNT));
    cudaStreamSynchronize(stream());
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 100);
    cudaEventRecord(side.event, stream());
    cudaStreamWaitEvent(side.stream, side.event, 0);
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 1000);
    cudaEventRecord(side.event, stream());
    std::vector<int> read(COUNT);
    cudaMemcpyAsync(read.data(), x, BYTES, cudaMemcpyDeviceToHost, side.stream);
    assert_int_equal(read[0], 100);
    assert_int_equal(cudaEventSynchronize(side.event), cudaSuccess);
    cudaMemcpyAsync(read.data(), x, BYTES, cudaMemcpyDeviceToHost, side.stream);
    assert_int_equal(read[0], 1100);
}

static void polling_ends(void **) {
    const Side side;
    int *const x = device_copy_of(counted(COUNT));
    for (int i = 0; i < 3; i++)
        LAUNCH(ops, "test", add, 1, COUNT, 0, x, 1);
    cudaEventRecord(side.event, stream());
    int asked = 0;
    for (; cudaEventQuery(side.event) == cudaErrorNotReady; asked++)
        assert_true(asked < 10);
    assert_int_equal(cudaGetLastError(), cudaErrorNotReady);
    assert_true(asked > 1);
    assert_int_equal(cudaEventQuery(side.event), cudaSuccess);
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 1);
    assert_int_equal(cudaStreamQuery(stream()), cudaErrorNotReady);
    assert_int_equal(cudaStreamQuery(stream()), cudaSuccess);
    cudaGetLastError();
    assert_int_equal(host_copy_of(x, 1)[0], 4);
}

static void time_between_events(void **) {
    const Side from, to;
    float milliseconds = -1;
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from.event, to.event), cudaErrorInvalidResourceHandle);
    cudaEventRecord(from.event, stream());
    cudaEventRecord(to.event, stream());
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from.event, to.event), cudaErrorNotReady);
    assert_int_equal(cudaEventSynchronize(to.event), cudaSuccess);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from.event, to.event), cudaSuccess);
    assert_true(milliseconds >= 0 && milliseconds < 10000);
    cudaGetLastError();
}

/* Arguments are those of the call, even when the variables change before the kernel runs. */
static void launches_keep_their_arguments(void **) {
    int *const x = device_copy_of(counted(COUNT));
    int value = 10;
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, value);
    value = 20;
    assert_int_equal(host_copy_of(x, 1)[0], 10);
    assert_int_equal(value, 20);
}

static void graphs_are_replayed(void **) {
    const Pinned pinned;
    int *const x = device_copy_of(std::vector<int>(COUNT, 0)), *const y = device_array<int>(COUNT);
    cudaStreamSynchronize(stream());
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    assert_int_equal(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), cudaSuccess);
    cudaMemcpyAsync(y, pinned.values, BYTES, cudaMemcpyHostToDevice, stream());
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 1);
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 2);
    assert_int_equal(cudaStreamEndCapture(stream(), &graph), cudaSuccess);
    assert_int_equal(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    assert_int_equal(host_copy_of(x, 1)[0], 0);
    for (int i = 0; i < 3; i++) {
        pinned.values[0] = i;
        assert_int_equal(cudaGraphLaunch(exec, stream()), cudaSuccess);
        assert_int_equal(host_copy_of(x, 1)[0], 3 * i + 3);
        assert_int_equal(host_copy_of(y, 1)[0], i);
    }
    assert_int_equal(cudaGraphExecDestroy(exec), cudaSuccess);
    assert_int_equal(cudaGraphExecDestroy(exec), cudaErrorInvalidValue);
    cudaGetLastError();
}

/* A call that cannot be captured spoils the capture. */
static void check_spoilt(const std::function<cudaError_t()> &call) {
    cudaGraph_t graph;
    assert_int_equal(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), cudaSuccess);
    assert_int_equal(call(), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream(), &graph), cudaErrorStreamCaptureInvalidated);
    assert_null(graph);
    cudaGetLastError();
}

static void captures_are_spoilt(void **) {
    int *const x = device_array<int>(COUNT), host[COUNT] = {};
    void *memory;
    check_spoilt([&] { return cudaMalloc(&memory, 8); });
    check_spoilt([&] { return cudaFree(x); });
    check_spoilt([&] { return cudaStreamSynchronize(stream()); });
    check_spoilt([&] { return cudaDeviceSynchronize(); });
    check_spoilt([&] { return cudaMemcpyAsync(x, host, BYTES, cudaMemcpyHostToDevice, stream()); });
    check_spoilt([&] { return cudaMemcpyAsync(host, x, BYTES, cudaMemcpyDeviceToHost, stream()); });
    assert_string_equal(wait_for_all().c_str(), "");
}

static void waits_between_a_capture_and_another_stream(void **) {
    const Side side, before;
    cudaGraph_t graph;
    cudaEventRecord(before.event, side.stream);
    cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal);
    cudaEventRecord(side.event, stream());
    assert_int_equal(cudaStreamWaitEvent(stream(), side.event, 0), cudaSuccess);
    assert_int_equal(cudaEventSynchronize(side.event), cudaErrorCapturedEvent);
    assert_int_equal(cudaStreamWaitEvent(side.stream, side.event, 0), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream(), &graph), cudaErrorStreamCaptureInvalidated);
    cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal);
    assert_int_equal(cudaStreamWaitEvent(stream(), before.event, 0), cudaErrorStreamCaptureIsolation);
    assert_int_equal(cudaStreamEndCapture(stream(), &graph), cudaErrorStreamCaptureInvalidated);
    cudaGetLastError();
}

/* A graph keeps using the memory that it was captured with. */
static void a_graph_whose_memory_was_freed(void **) {
    int *x;
    cudaMalloc(&x, BYTES);
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal);
    LAUNCH(ops, "test", add, 1, COUNT, 0, x, 1);
    cudaStreamEndCapture(stream(), &graph);
    cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphDestroy(graph);
    cudaFree(x);
    assert_int_equal(cudaGraphLaunch(exec, stream()), cudaSuccess);
    assert_contains(wait_for_all(), "kernel add: argument 1 points to memory that was freed before it ran");
    start_again();
    cudaGraphExecDestroy(exec);
}

static void invalid_handles(void **) {
    const cudaStream_t no_stream = (cudaStream_t)ops;
    const cudaEvent_t no_event = (cudaEvent_t)ops;
    assert_int_equal(cudaStreamSynchronize(no_stream), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaStreamDestroy(no_stream), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaEventRecord(no_event, stream()), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaEventDestroy(no_event), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidResourceHandle);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pageable_memory_is_read_at_the_call, prepare, finish),
        cmocka_unit_test_setup_teardown(pinned_memory_is_read_when_the_stream_gets_there, prepare, finish),
        cmocka_unit_test_setup_teardown(pinned_memory_is_written_when_the_stream_gets_there, prepare, finish),
        cmocka_unit_test_setup_teardown(a_missing_wait_between_streams, prepare, finish),
        cmocka_unit_test_setup_teardown(an_event_recorded_again, prepare, finish),
        cmocka_unit_test_setup_teardown(polling_ends, prepare, finish),
        cmocka_unit_test_setup_teardown(time_between_events, prepare, finish),
        cmocka_unit_test_setup_teardown(launches_keep_their_arguments, prepare, finish),
        cmocka_unit_test_setup_teardown(graphs_are_replayed, prepare, finish),
        cmocka_unit_test_setup_teardown(captures_are_spoilt, prepare, finish),
        cmocka_unit_test_setup_teardown(waits_between_a_capture_and_another_stream, prepare, finish),
        cmocka_unit_test_setup_teardown(a_graph_whose_memory_was_freed, prepare, finish),
        cmocka_unit_test_setup_teardown(invalid_handles, prepare, finish),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
