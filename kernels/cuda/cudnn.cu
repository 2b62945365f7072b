/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn.cuh"

#ifdef FOVEA_CUDNN

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY_NAME_(major) "libcudnn.so." #major
#define LIBRARY_NAME(major) LIBRARY_NAME_(major)
static const char *const LIBRARY = LIBRARY_NAME(CUDNN_MAJOR);

static Status load_library(Cudnn *cudnn) {
    cudnn->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!cudnn->library)
        return status_error(EXIT_MISSING,
                            "cuDNN cannot be opened: %s; install it, or add its folder to LD_LIBRARY_PATH", dlerror());
#define LOAD(name)                                                                                                     \
    cudnn->name = (decltype(cudnn->name))dlsym(cudnn->library, "cudnn" #name);                                         \
    if (!cudnn->name)                                                                                                  \
        return status_error(EXIT_MISSING, "%s has no cudnn" #name ": install cuDNN %d.%d or later", LIBRARY,           \
                            CUDNN_MAJOR, CUDNN_MINOR);
    CUDNN_FUNCTIONS(LOAD)
#undef LOAD
    return NULL;
}

static Status describe_device(Cudnn *cudnn, const char *properties) {
    static const char *const what = "a device's properties";
    TRY(cudnn_status(cudnn, "", what,
                     cudnn->BackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &cudnn->device)));
    TRY(cudnn_status(cudnn, "", what,
                     cudnn->BackendSetAttribute(cudnn->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                                CUDNN_TYPE_CHAR, (int64_t)strlen(properties) + 1, properties)));
    return cudnn_status(cudnn, "", what, cudnn->BackendFinalize(cudnn->device));
}

static Status open_library(Cudnn *cudnn, const char *properties, cudaStream_t stream) {
    TRY(load_library(cudnn));
    if (properties)
        return describe_device(cudnn, properties);
    TRY(cudnn_status(cudnn, "", "opening it", cudnn->Create(&cudnn->handle)));
    return cudnn_status(cudnn, "", "setting the stream", cudnn->SetStream(cudnn->handle, stream));
}

Status cudnn_open(const char *properties, cudaStream_t stream, Cudnn **cudnn) {
    *cudnn = (Cudnn *)calloc(1, sizeof **cudnn);
    if (!*cudnn)
        return status_no_memory("cuDNN's state", sizeof **cudnn);
    Status status = open_library(*cudnn, properties, stream);
    if (status) {
        cudnn_close(*cudnn);
        *cudnn = NULL;
    }
    return status;
}

void cudnn_close(Cudnn *cudnn) {
    if (!cudnn)
        return;
    if (cudnn->device)
        (void)cudnn->BackendDestroyDescriptor(cudnn->device);
    if (cudnn->handle)
        (void)cudnn->Destroy(cudnn->handle);
    /* The library stays loaded: what it registered with CUDA may outlive its handle. */
    free(cudnn);
}

size_t cudnn_version(const Cudnn *cudnn) {
    return cudnn->GetVersion();
}

static ExitCode exit_code(cudnnStatus_t status) {
    switch (status) {
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return EXIT_NO_MEMORY;
    case CUDNN_STATUS_NOT_INITIALIZED:
    case CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH:
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER:
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART:
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED:
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
        return EXIT_MISSING;
    default:
        return EXIT_INTERNAL;
    }
}

Status cudnn_status(const Cudnn *cudnn, const char *subject, const char *what, cudnnStatus_t status) {
    if (status == CUDNN_STATUS_SUCCESS)
        return NULL;
    char text[400] = "";
    cudnn->GetLastErrorString(text, sizeof text);
    text[sizeof text - 1] = '\0';
    for (char *at = text; *at; at++)
        if (*at == '\n')
            *at = ' ';
    return status_error(exit_code(status), "%s%scuDNN, %s: %s: %s", subject, *subject ? ": " : "", what,
                        cudnn->GetErrorString(status), text);
}

#else

Status cudnn_open(const char *, cudaStream_t, Cudnn **cudnn) {
    *cudnn = NULL;
    return status_error(EXIT_MISSING, "this build has no cuDNN");
}

void cudnn_close(Cudnn *) {
}

size_t cudnn_version(const Cudnn *) {
    return 0;
}

#endif
