/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that identify a thread, and what the threads of a block or a warp do together. Each such call knows its
 * place in the source: threads must meet at the same place. */
#ifndef FOVEA_EMU_COLLECTIVE_H
#define FOVEA_EMU_COLLECTIVE_H

#define EMU_HIDDEN __attribute__((visibility("hidden")))
#define EMU_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

extern EMU_HIDDEN uint3 threadIdx, blockIdx;
extern EMU_HIDDEN dim3 blockDim, gridDim;
static constexpr int warpSize = 32;

namespace emu {
/* Waits for the whole block; returns the number of threads whose `condition` is true. */
int barrier(bool condition, const char *file, int line);

enum Shuffle { SHUFFLE_INDEX, SHUFFLE_XOR, SHUFFLE_UP, SHUFFLE_DOWN };
uint64_t shuffle(Shuffle kind, unsigned mask, uint64_t bits, int lane, int width, const char *file, int line);
/* The lanes of `mask` whose `condition` is true. */
unsigned ballot(unsigned mask, bool condition, const char *file, int line);

template <typename T>
static inline T shuffled(Shuffle kind, unsigned mask, T x, int lane, int width, const char *file, int line) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves up to 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof(x));
    bits = shuffle(kind, mask, bits, lane, width, file, line);
    memcpy(&x, &bits, sizeof(x));
    return x;
}
} // namespace emu

static inline void __syncthreads(EMU_HERE) {
    emu::barrier(false, file, line);
}
static inline int __syncthreads_count(int condition, EMU_HERE) {
    return emu::barrier(condition != 0, file, line);
}
static inline int __syncthreads_or(int condition, EMU_HERE) {
    return emu::barrier(condition != 0, file, line) != 0;
}
static inline int __syncthreads_and(int condition, EMU_HERE) {
    return emu::barrier(condition == 0, file, line) == 0;
}

static inline void __syncwarp(unsigned mask = 0xffffffffu, EMU_HERE) {
    emu::ballot(mask, false, file, line);
}
static inline unsigned __ballot_sync(unsigned mask, int condition, EMU_HERE) {
    return emu::ballot(mask, condition != 0, file, line);
}
static inline int __any_sync(unsigned mask, int condition, EMU_HERE) {
    return emu::ballot(mask, condition != 0, file, line) != 0;
}
static inline int __all_sync(unsigned mask, int condition, EMU_HERE) {
    return emu::ballot(mask, condition == 0, file, line) == 0;
}

template <typename T> static inline T __shfl_sync(unsigned mask, T x, int lane, int width = 32, EMU_HERE) {
    return emu::shuffled(emu::SHUFFLE_INDEX, mask, x, lane, width, file, line);
}
template <typename T> static inline T __shfl_xor_sync(unsigned mask, T x, int lane, int width = 32, EMU_HERE) {
    return emu::shuffled(emu::SHUFFLE_XOR, mask, x, lane, width, file, line);
}
template <typename T> static inline T __shfl_up_sync(unsigned mask, T x, unsigned delta, int width = 32, EMU_HERE) {
    return emu::shuffled(emu::SHUFFLE_UP, mask, x, (int)delta, width, file, line);
}
template <typename T> static inline T __shfl_down_sync(unsigned mask, T x, unsigned delta, int width = 32, EMU_HERE) {
    return emu::shuffled(emu::SHUFFLE_DOWN, mask, x, (int)delta, width, file, line);
}

#endif
