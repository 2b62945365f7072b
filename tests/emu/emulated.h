/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the emulator's tests: a device to launch on, arrays on it, and running something in every order. */
#ifndef FOVEA_TESTS_EMULATED_H
#define FOVEA_TESTS_EMULATED_H

#include "kernels/cuda/cuda.cuh"
#include "kernels/emu/control.h"

#include <functional>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string>
#include <vector>

/* After the others: cmocka has macros of common names. */
#include <setjmp.h>

extern "C" {
#include <cmocka.h>
}

/* The table that LAUNCH() takes; its stream is open from prepare() to finish(). */
extern Ops *const ops;

/* Before and after each test. */
int prepare(void **state);
int finish(void **state);

cudaStream_t stream();
/* The text of the first failure since prepare(), of a launch or of the wait; "" on success. */
std::string wait_for_all();
/* Clears failures. */
void start_again();

/* Device memory, freed by finish(). */
void *device_bytes(size_t bytes);
template <typename T> T *device_array(size_t count) {
    return (T *)device_bytes(count * sizeof(T));
}
void upload(void *to, const void *from, size_t bytes);
/* Also waits. */
void download(void *to, const void *from, size_t bytes);
template <typename T> T *device_copy_of(const std::vector<T> &values) {
    T *at = device_array<T>(values.size());
    upload(at, values.data(), values.size() * sizeof(T));
    return at;
}
template <typename T> std::vector<T> host_copy_of(const T *at, size_t count) {
    std::vector<T> values(count);
    download(values.data(), at, count * sizeof(T));
    return values;
}

/* What `run` wrote to `count` ints of device memory, in each order; or how it failed. */
struct Outcome {
    std::vector<int> results[EMU_ORDERS];
    std::string failures[EMU_ORDERS];
    bool failed() const;
    bool agree() const; /* without a failure and with the same results */
    bool equal(const std::vector<int> &expected) const;
};
Outcome in_every_order(size_t count, const std::function<void(int *out)> &run);
std::vector<int> counted(size_t count); /* 0, 1, 2, ... */

void assert_contains(const std::string &text, const std::string &part);

/* Tests of what ends the program start it again: `name` is the entry of child_main()'s list that the child calls. */
struct Child {
    const char *name;
    void (*run)();
};
/* Runs the child that the arguments name; false if they name none. */
bool child_main(int argc, char **argv, const Child *children, size_t count);
/* What the child wrote, and its exit status in *status; `variables` precede its command. */
std::string run_child(const char *variables, const char *name, int *status);

#if defined(__SANITIZE_ADDRESS__)
static const bool ADDRESSES_CHECKED = true;
#elif defined(__has_feature)
static const bool ADDRESSES_CHECKED = __has_feature(address_sanitizer);
#else
static const bool ADDRESSES_CHECKED = false;
#endif

#endif
