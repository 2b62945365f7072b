/* SPDX-License-Identifier: Apache-2.0 */
/* Twins of kernels/cuda/mma.cuh: the same functions with the same layouts. */
#ifndef FOVEA_EMU_MMA_H
#define FOVEA_EMU_MMA_H

namespace emu {
void mma(float *d, const uint32_t *a, const uint32_t *b, const char *file, int line);
void matrices(uint32_t *out, const void *row, bool transposed, const char *file, int line);
void copy_start(void *shared, const void *global, bool inside, const char *file, int line);
void copy_commit();
void copy_wait(unsigned pending);
} // namespace emu

static inline void mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2], EMU_HERE) {
    emu::mma(d, a, b, file, line);
}
static inline void load_matrices(uint32_t out[4], const void *row, EMU_HERE) {
    emu::matrices(out, row, false, file, line);
}
static inline void load_matrices_transposed(uint32_t out[4], const void *row, EMU_HERE) {
    emu::matrices(out, row, true, file, line);
}
/* copy_wait() does the copies and nothing else; until then their destination contains garbage. */
static inline void copy_start(void *shared, const void *global, bool inside, EMU_HERE) {
    emu::copy_start(shared, global, inside, file, line);
}
static inline void copy_commit() {
    emu::copy_commit();
}
template <int PENDING> static inline void copy_wait() {
    emu::copy_wait(PENDING);
}

#endif
