/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/emu/emulated.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static Cuda cuda;
static Device device;
static Ops table;
static std::string failure;
static std::vector<void *> arrays;
Ops *const ops = &table;

static void keep_failure(const char *what, cudaError_t error) {
    if (error != cudaSuccess && failure.empty())
        failure = std::string(what) + ": " + cudaGetErrorString(error);
}

bool cuda_check(Ops *, const char *operation, cudaError_t error) {
    keep_failure(operation, error);
    return error == cudaSuccess;
}

bool cuda_launched(Ops *, const char *kernel, const char *, dim3, dim3, size_t, cudaError_t error) {
    return cuda_check(nullptr, kernel, error);
}

void start_again() {
    fovea_emu.fault(EMU_FAULT_NONE, 0);
    failure.clear();
}

static bool open_stream() {
    device.context = &cuda;
    table.device = &device;
    return cudaStreamCreateWithFlags(&cuda.stream, cudaStreamNonBlocking) == cudaSuccess;
}

int prepare(void **) {
    start_again();
    fovea_emu.order(EMU_ASCENDING);
    return open_stream() ? 0 : -1;
}

int finish(void **) {
    start_again();
    for (void *at : arrays)
        cudaFree(at);
    arrays.clear();
    return cudaStreamDestroy(cuda.stream) == cudaSuccess && fovea_emu.allocated() == 0 ? 0 : -1;
}

cudaStream_t stream() {
    return cuda.stream;
}

std::string wait_for_all() {
    keep_failure("wait", cudaDeviceSynchronize());
    return failure;
}

void *device_bytes(size_t bytes) {
    void *at;
    assert_int_equal(cudaMalloc(&at, bytes), cudaSuccess);
    arrays.push_back(at);
    return at;
}

void upload(void *to, const void *from, size_t bytes) {
    assert_int_equal(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()), cudaSuccess);
}

void download(void *to, const void *from, size_t bytes) {
    keep_failure("copy", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()));
}

bool Outcome::failed() const {
    for (const std::string &text : failures)
        if (text.empty())
            return false;
    return true;
}

bool Outcome::agree() const {
    return equal(results[0]);
}

bool Outcome::equal(const std::vector<int> &expected) const {
    for (int i = 0; i < EMU_ORDERS; i++)
        if (!failures[i].empty() || results[i] != expected)
            return false;
    return true;
}

Outcome in_every_order(size_t count, const std::function<void(int *out)> &run) {
    Outcome outcome;
    int *out = device_array<int>(count);
    for (int i = 0; i < EMU_ORDERS; i++) {
        start_again();
        fovea_emu.order((EmuOrder)i);
        cudaMemsetAsync(out, 0, count * sizeof(int), stream());
        run(out);
        outcome.failures[i] = wait_for_all();
        outcome.results[i] = host_copy_of(out, count);
    }
    start_again();
    return outcome;
}

std::vector<int> counted(size_t count) {
    std::vector<int> values(count);
    for (size_t i = 0; i < count; i++)
        values[i] = (int)i;
    return values;
}

void assert_contains(const std::string &text, const std::string &part) {
    if (text.find(part) == std::string::npos)
        print_error("\"%s\" does not hold \"%s\"\n", text.c_str(), part.c_str());
    assert_true(text.find(part) != std::string::npos);
}

bool child_main(int argc, char **argv, const Child *children, size_t count) {
    for (size_t i = 0; argc > 1 && i < count; i++)
        if (std::string(argv[1]) == children[i].name) {
            open_stream(); /* and nothing else, so that the environment takes effect */
            children[i].run();
            const std::string text = wait_for_all();
            if (!text.empty())
                fprintf(stderr, "%s\n", text.c_str());
            return true;
        }
    return false;
}

std::string run_child(const char *variables, const char *name, int *status) {
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    assert_true(length > 0);
    program[length] = '\0';
    /* Set by tests/e2e/arm64.sh where this machine cannot start the program without an emulator's help. */
    const char *emulator = getenv("FOVEA_EMULATOR");
    const std::string command =
        std::string(variables) + " " + (emulator ? emulator : "") + " '" + program + "' " + name + " 2>&1";
    FILE *pipe = popen(command.c_str(), "r");
    assert_non_null(pipe);
    std::string text;
    for (int c = getc(pipe); c != EOF; c = getc(pipe))
        text += (char)c;
    const int ended = pclose(pipe);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    return text;
}
