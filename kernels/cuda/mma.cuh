/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor cores, shared-memory matrix loads and asynchronous copies: one function an instruction, each with its twin in
 * kernels/emu/mma.h. Layouts: PTX ISA, "Matrix fragments for mma.m16n8k16" and "ldmatrix". */
#ifndef FOVEA_MMA_CUH
#define FOVEA_MMA_CUH

#include "kernels/cuda/cuda.cuh"

#ifdef __CUDACC__

/* Chips before 8.0 have neither BF16 products nor copies that go on by themselves. What needs them is never launched
 * there, but a build for such a chip, for FP32, has to go through. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define FROM_80(...) __trap()
#else
#define FROM_80(...) asm volatile(__VA_ARGS__)
#endif

/* d += a b for a 16 x 16 and b 16 x 8 of BF16, d 16 x 8 of float. With group = lane / 4, pair = lane % 4:
 * a[0], a[1], a[2], a[3] hold rows group, group + 8, group, group + 8 and columns 2 pair (+1) for the first two,
 * 8 + 2 pair (+1) for the others, the lower column in the lower half; b[0], b[1] hold rows 2 pair (+1) and
 * 8 + 2 pair (+1) of column `group`; d[0], d[1] hold row `group`, columns 2 pair and 2 pair + 1, d[2], d[3] the same of
 * row group + 8. All 32 lanes call. */
__device__ __forceinline__ void mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    FROM_80("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
            "{%0,%1,%2,%3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four 8 x 8 matrices of 16-bit elements from shared memory: lane 8 i + r gives the address of row r (16 bytes, on a
 * multiple of 16) of matrix i; in out[i] lane l gets elements 2 (l % 4) and + 1 of row l / 4. All 32 lanes call. */
__device__ __forceinline__ void load_matrices(uint32_t out[4], const void *row) {
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(at)
                 : "memory");
}

/* The same of each matrix transposed. */
__device__ __forceinline__ void load_matrices_transposed(uint32_t out[4], const void *row) {
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(at)
                 : "memory");
}

/* Starts copying 16 bytes from global to shared memory, both on multiples of 16; with `inside` false writes zeros and
 * does not read. Not there before copy_wait() and a barrier. */
__device__ __forceinline__ void copy_start(void *shared, const void *global, bool inside) {
    const uint32_t to = (uint32_t)__cvta_generic_to_shared(shared);
    FROM_80("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(inside ? 16 : 0) : "memory");
}

/* Closes a group of copies. */
__device__ __forceinline__ void copy_commit() {
    FROM_80("cp.async.commit_group;" ::: "memory");
}

/* Waits until all but the newest PENDING groups of this thread's copies are done. */
template <int PENDING> __device__ __forceinline__ void copy_wait() {
    FROM_80("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

#endif
#endif
