/* SPDX-License-Identifier: Apache-2.0 */
/* Launching: every kernel that a LAUNCH() names is in the registry once the library is loaded, whether it is ever run
 * or not. A launch keeps its arguments and runs when its stream reaches it. */
#ifndef FOVEA_EMU_LAUNCH_H
#define FOVEA_EMU_LAUNCH_H

#include "kernels/emu/sanitizer.h"

#include <type_traits>
#include <typeinfo>

struct CUstream_st;

namespace emu {
struct KernelEntry {
    const char *type;    /* the mangled name of its Kernel<> */
    const void *address; /* of the kernel */
    unsigned long executions;
    size_t dynamic_limit; /* by cudaFuncSetAttribute() */
    KernelEntry *next;
    KernelEntry(const char *type, const void *address);
};

struct Launch {
    KernelEntry *kernel;
    dim3 grid, block;
    size_t dynamic;
    const void *const *pointers; /* arguments that must be device memory, NULL for others */
    int arguments;
    void (*thread)(const void *call); /* one thread's work */
    const void *call;                 /* the kernel with its arguments, `bytes` long */
    size_t bytes;
};

/* Checks a launch and queues it on its stream with a copy of `call` and `pointers`. Sets the last error. */
void launch(const Launch &launch, CUstream_st *stream);

/* Text is not device memory: kernels only pass pointers to names on. */
template <typename T> static inline const void *device_pointer(T) {
    return nullptr;
}
template <typename T> static inline const void *device_pointer(T *at) {
    return std::is_same_v<T, const char> ? nullptr : (const void *)at;
}

template <auto kernel, typename Type = std::decay_t<decltype(kernel)>> struct Kernel;

/* Little code without sanitizers, since every kernel has its own copy of it. */
template <auto kernel, typename... Parameters> struct Kernel<kernel, void (*)(Parameters...)> {
    static KernelEntry entry;
    template <typename Call> EMU_UNSANITIZED static void thread(const void *call) {
        (*(const Call *)call)();
    }
    EMU_UNSANITIZED static void launch(dim3 grid, dim3 block, size_t dynamic, CUstream_st *stream,
                                       Parameters... values) {
        const auto call = [=]() EMU_UNSANITIZED { kernel(values...); };
        static_assert(std::is_trivially_copyable_v<decltype(call)>, "an argument that a GPU cannot take");
        static_assert(sizeof(call) <= 32764, "more than a launch can pass");
        const void *const pointers[] = {device_pointer(values)..., nullptr};
        emu::launch({&entry, grid, block, dynamic, pointers, (int)sizeof...(Parameters), &thread<decltype(call)>, &call,
                     sizeof(call)},
                    stream);
    }
};
template <auto kernel, typename... Parameters>
KernelEntry Kernel<kernel, void (*)(Parameters...)>::entry(typeid(Kernel<kernel>).name(), (const void *)kernel);
} // namespace emu

/* `limit` in the first order; 1, 2 or 3 in the others. */
unsigned most_blocks(unsigned limit);

#define LAUNCH(ops, operation, kernel, grid, block, shared, ...)                                                       \
    do {                                                                                                               \
        const dim3 launch_grid_(grid);                                                                                 \
        if (!(ops)->error && launch_grid_.x && launch_grid_.y && launch_grid_.z) {                                     \
            emu::Kernel<kernel>::launch(launch_grid_, (block), (shared), cuda_context(ops)->stream, ##__VA_ARGS__);    \
            cuda_launched((ops), operation ": " #kernel, __FILE__, launch_grid_, (block), (shared),                    \
                          cudaGetLastError());                                                                         \
        }                                                                                                              \
    } while (0)

#endif
