/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the CUDA backend: the context, launching, and failing. Every operation is cuda_NAME for the
 * table's NAME; every kernel is launched through LAUNCH() alone, so that kernels/emu can run it on the host.
 *
 * Results do not depend on the order in which threads and blocks run: no atomic sums of floats; a sum over a tensor is
 * cut into parts whose number depends on the shape alone, and a second kernel adds the parts in order. */
#ifndef FOVEA_CUDA_CUH
#define FOVEA_CUDA_CUH

#include "ops/ops.h"

#include <cuda_runtime.h>
#include <stdint.h>

/* What a kernel found wrong with its data: the first error stays until the next wait for the device. */
typedef enum {
    KERNEL_ERROR_NONE,
    KERNEL_ERROR_ID,    /* ids[row][column] is `value`, not one of 0 .. limit - 1 */
    KERNEL_ERROR_LABEL, /* labels[row] is `label`, not one of 0 .. limit - 1 */
    KERNEL_ERROR_IMAGE, /* which[row] is `value`, not one of 0 .. limit - 1 */
    KERNEL_ERROR_CROP   /* `crop`, crops[row], is not inside its image; column: the requested size; value, limit: the
                           image's height and width */
} KernelErrorKind;

typedef struct {
    int kind;
    const char *operation; /* host memory: a kernel only passes it on */
    int row, column, value, limit;
    float label;
    Crop crop;
} KernelError;

struct Library;          /* of the matrix products: kernels/cuda/matmul.cuh */
struct AttentionLibrary; /* kernels/cuda/attention_library.cuh */
struct Autotune;         /* kernels/cuda/autotune.cuh */
struct Scratch;          /* device.cu's */

typedef struct {
    cudaStream_t stream;   /* the compute stream */
    int index;             /* of the device */
    KernelError *reported; /* device memory: the kernels write it */
    KernelError *found;    /* pinned memory: a wait copies it there */
    void *scratch;         /* device memory for one operation's parts; grows, see cuda_scratch() */
    size_t scratch_bytes;
    struct Scratch *outgrown; /* what graphs may still use */
    bool capturing;
    const char *last; /* what was launched last, for failures that are detected late */
    struct Library *library;
    struct AttentionLibrary *attention;
    struct Autotune *autotune;
} Cuda;

static inline Cuda *cuda_context(const Ops *ops) {
    return (Cuda *)ops->device->context;
}

#define CUDA_DECLARE(operation, Arguments) void cuda_##operation(Ops *ops, const Arguments *a);
OPERATIONS(CUDA_DECLARE)
#undef CUDA_DECLARE

/* Keeps `status` as the table's failure: the first, since nothing runs after one. */
void cuda_fail(Ops *ops, Status status);
/* Takes the result of a CUDA call made for `operation`: true when it succeeded. */
bool cuda_check(Ops *ops, const char *operation, cudaError_t error);
/* The same for a launch, whose failure also names its shape and source file. */
bool cuda_launched(Ops *ops, const char *kernel, const char *file, dim3 grid, dim3 block, size_t shared,
                   cudaError_t error);
/* The status for a failed call: which call or kernel, what CUDA says, what to do; NULL for cudaSuccess. */
Status cuda_status(const char *what, cudaError_t error);

/* Scratch memory for one operation (ops/gpu_scratch.h), valid until the next operation asks for some; NULL after a
 * failure. Captured work keeps using the memory it was captured with. */
void *cuda_scratch(Ops *ops, const char *operation, size_t bytes);

/* Blocks in y and in z that a grid has at most. */
enum { MAX_GRID_Y = 65535 };

/* LAUNCH(ops, operation, (kernel<T>), grid, block, dynamic shared bytes, arguments...): nothing for an empty grid. */
#ifdef __CUDACC__
#define LAUNCH(ops, operation, kernel, grid, block, shared, ...)                                                       \
    do {                                                                                                               \
        const dim3 launch_grid_(grid);                                                                                 \
        if (!(ops)->error && launch_grid_.x && launch_grid_.y && launch_grid_.z) {                                     \
            kernel<<<launch_grid_, (block), (shared), cuda_context(ops)->stream>>>(__VA_ARGS__);                       \
            cuda_launched((ops), operation ": " #kernel, __FILE__, launch_grid_, (block), (shared),                    \
                          cudaGetLastError());                                                                         \
        }                                                                                                              \
    } while (0)
/* SHARED(float, tile, [8][33]): shared memory of the block, 16-byte aligned, not initialised. */
#define SHARED(type, name, dimensions) __shared__ __align__(16) type name dimensions
/* DYNAMIC_SHARED(float, rows): a pointer to the launch's dynamic shared memory, 16-byte aligned. */
#define DYNAMIC_SHARED(type, name)                                                                                     \
    extern __shared__ __align__(16) unsigned char dynamic_shared_[];                                                   \
    type *const name = (type *)dynamic_shared_
/* How many blocks a launch may have whose blocks go on with what is beyond the grid. The emulator allows fewer in some
 * orders, so that they do go on. */
static inline unsigned most_blocks(unsigned limit) {
    return limit;
}
#endif

#endif
