/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN: opened on first use and not linked, so that the backend works where it is missing.
 *
 * Built without cuDNN's header (FOVEA_CUDNN not defined), and so under emulation, it cannot be opened: the emulator is
 * there to execute the plain kernels. */
#ifndef FOVEA_CUDNN_CUH
#define FOVEA_CUDNN_CUH

#include "kernels/cuda/cuda.cuh"

/* The library, loaded, and the device that plans are made for. */
struct Cudnn;

/* For the current device, plans running on `stream`; or with `properties`, cuDNN's description of a device in JSON, for
 * one that need not be present, whose plans cannot be run. A failure says why there will be no plans. */
Status cudnn_open(const char *properties, cudaStream_t stream, Cudnn **cudnn) MUST_USE;
void cudnn_close(Cudnn *cudnn);

/* As cuDNN reports it, 91900 for 9.19.0. */
size_t cudnn_version(const Cudnn *cudnn);

#ifdef FOVEA_CUDNN

#include <cudnn.h>

/* What is called of the library. */
#define CUDNN_FUNCTIONS(X)                                                                                             \
    X(Create)                                                                                                          \
    X(Destroy)                                                                                                         \
    X(GetVersion)                                                                                                      \
    X(SetStream)                                                                                                       \
    X(GetErrorString)                                                                                                  \
    X(GetLastErrorString)                                                                                              \
    X(BackendCreateDescriptor)                                                                                         \
    X(BackendDestroyDescriptor)                                                                                        \
    X(BackendSetAttribute)                                                                                             \
    X(BackendGetAttribute)                                                                                             \
    X(BackendFinalize)                                                                                                 \
    X(BackendExecute)

typedef cudnnBackendDescriptor_t Descriptor;

struct Cudnn {
    void *library;
    cudnnHandle_t handle; /* NULL: plans cannot be run */
    Descriptor device;    /* NULL: the handle's */
#define CUDNN_DECLARE(name) decltype(&cudnn##name) name;
    CUDNN_FUNCTIONS(CUDNN_DECLARE)
#undef CUDNN_DECLARE
};

/* The status of a call of cuDNN made for `subject` ("" for none); to be called before the next call. */
Status cudnn_status(const Cudnn *cudnn, const char *subject, const char *what, cudnnStatus_t status);

#endif
#endif
