/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operations: one function pointer each (operations.h), filled by a backend; the model is written against
 * it.
 *
 * Tensors are dense and row-major. Real tensors hold elements of `ops->type`; the arithmetic between reading and
 * writing them is FP32. Where an operation computes from a tensor that it also writes (the norm from the residual sum,
 * GELU from the linear layer's product), it computes from the rounded values as they are stored. All pointers are
 * memory of `ops->device`, scalars and lists too, unless the comment says host; the argument struct itself is the
 * host's. Tensors start on a multiple of 16 bytes. Operations run in order on the device's compute stream and may
 * return before they are done.
 *
 * An operation returns nothing: the first one that fails leaves its status in `ops->error` (operation, shape, cause),
 * every later one then does nothing, and the step checks once with ops_error(). What only the device can see (an id out
 * of range, a lost GPU) is reported when the device is next waited for. Sums over many values are taken in an order
 * that depends on the shape alone, so results are bit-identical from run to run and for any number of threads.
 *
 * A device that chooses algorithms by timing (Device.autotune) may compute GELU's tanh form, and its slope's product,
 * from the linear layer's product before that is rounded; its results are bit-identical as long as its choices are the
 * same.
 *
 * To add an operation: its arguments and its line in operations.h, cpu_NAME() and cost_NAME() in a file of kernels/cpu,
 * cuda_NAME() in the file of the same name in kernels/cuda, check_NAME() in tests/checkops. */
#ifndef FOVEA_OPS_H
#define FOVEA_OPS_H

#include "base/status.h"
#include "device/device.h"
#include "ops/operations.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Ops Ops;
struct Ops {
    const char *name; /* "cpu", "cuda", "emu" */
    const Device *device;
    RealType type;
    int threads;  /* the CPU's; 1 elsewhere */
    Status error; /* the first failure; owned, taken with ops_error() */

#define OPERATION_FIELD(operation, Arguments) void (*operation)(Ops * ops, const Arguments *a);
    OPERATIONS(OPERATION_FIELD)
#undef OPERATION_FIELD
};

/* The reference backend: plain memory, OpenMP with `threads` threads (at least 1). In FP32; with `type` set to
 * REAL_BF16 afterwards it rounds where a device with BF16 activations does. */
void ops_cpu(Ops *ops, int threads);

/* Takes the first failure out of the table (NULL: none); operations run again afterwards. */
Status ops_error(Ops *ops) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
