/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the NVIDIA driver, as libcuda.so.1 in a folder of its own: there is no device, but libraries and
 * kernels can be loaded, so that cuDNN compiles its plans for the device that it was described. Nothing can run. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SUCCESS = 0, NO_DEVICE = 100, NOT_FOUND = 500, VERSION = 13000 };

/* Any handle will do. */
static char anything[64];

#define EXPORT __attribute__((visibility("default")))

/* Those that hand out an object by their first argument. */
#define GIVING(X)                                                                                                      \
    X(cuLibraryLoadData)                                                                                               \
    X(cuLibraryGetKernel)                                                                                              \
    X(cuLibraryGetModule)                                                                                              \
    X(cuKernelGetFunction)                                                                                             \
    X(cuModuleLoadData)                                                                                                \
    X(cuModuleLoadDataEx)                                                                                              \
    X(cuModuleGetFunction)                                                                                             \
    X(cuCtxGetCurrent)
/* Those that tell a number by it. */
#define TELLING(X)                                                                                                     \
    X(cuKernelGetAttribute)                                                                                            \
    X(cuFuncGetAttribute)                                                                                              \
    X(cuOccupancyMaxActiveBlocksPerMultiprocessor)
#define ACCEPTING(X)                                                                                                   \
    X(cuKernelSetAttribute)                                                                                            \
    X(cuFuncSetAttribute)                                                                                              \
    X(cuLibraryUnload)                                                                                                 \
    X(cuModuleUnload)
#define REFUSING(X)                                                                                                    \
    X(cuInit)                                                                                                          \
    X(cuDeviceGet)                                                                                                     \
    X(cuDeviceGetCount)                                                                                                \
    X(cuDeviceGetAttribute)                                                                                            \
    X(cuDevicePrimaryCtxRetain)                                                                                        \
    X(cuCtxGetDevice)                                                                                                  \
    X(cuCtxGetLimit)                                                                                                   \
    X(cuCtxPopCurrent)                                                                                                 \
    X(cuCtxPushCurrent)                                                                                                \
    X(cuStreamGetCtx)                                                                                                  \
    X(cuStreamSynchronize)                                                                                             \
    X(cuLinkCreate)                                                                                                    \
    X(cuLinkAddData)                                                                                                   \
    X(cuLinkComplete)                                                                                                  \
    X(cuLinkDestroy)                                                                                                   \
    X(cuLibraryLoadFromFile)                                                                                           \
    X(cuOccupancyMaxPotentialClusterSize)                                                                              \
    X(cuLaunchKernel)                                                                                                  \
    X(cuLaunchKernelEx)                                                                                                \
    X(cuLaunchCooperativeKernel)
#define OTHERS(X)                                                                                                      \
    X(cuDriverGetVersion)                                                                                              \
    X(cuLibraryGetGlobal)                                                                                              \
    X(cuGetErrorString)                                                                                                \
    X(cuGetErrorName)                                                                                                  \
    X(cuGetProcAddress)                                                                                                \
    X(cuGetProcAddress_v2)

#define GIVE(name)                                                                                                     \
    EXPORT int name(void **object);                                                                                    \
    int name(void **object) {                                                                                          \
        *object = anything;                                                                                            \
        return SUCCESS;                                                                                                \
    }
GIVING(GIVE)
#define TELL(name)                                                                                                     \
    EXPORT int name(int *value);                                                                                       \
    int name(int *value) {                                                                                             \
        *value = 1;                                                                                                    \
        return SUCCESS;                                                                                                \
    }
TELLING(TELL)
#define ACCEPT(name)                                                                                                   \
    EXPORT int name(void);                                                                                             \
    int name(void) {                                                                                                   \
        return SUCCESS;                                                                                                \
    }
ACCEPTING(ACCEPT)
#define REFUSE(name)                                                                                                   \
    EXPORT int name(void);                                                                                             \
    int name(void) {                                                                                                   \
        return NO_DEVICE;                                                                                              \
    }
REFUSING(REFUSE)

EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuLibraryGetGlobal(void **address, size_t *bytes, void *library, const char *name);
EXPORT int cuGetErrorString(int error, const char **text);
EXPORT int cuGetErrorName(int error, const char **text);
EXPORT int cuGetProcAddress(const char *name, void **function, int version, uint64_t flags);
EXPORT int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *found);

int cuDriverGetVersion(int *version) {
    *version = VERSION;
    return SUCCESS;
}

int cuLibraryGetGlobal(void **address, size_t *bytes, void *library, const char *name) {
    (void)library;
    (void)name;
    if (address)
        *address = anything;
    if (bytes)
        *bytes = sizeof anything;
    return SUCCESS;
}

int cuGetErrorString(int error, const char **text) {
    *text = error == NO_DEVICE ? "the stand-in driver has no device" : "an error of the stand-in driver";
    return SUCCESS;
}

int cuGetErrorName(int error, const char **text) {
    return cuGetErrorString(error, text);
}

#define ROW(name) {#name, (void (*)(void))name},
static const struct {
    const char *name;
    void (*function)(void);
} functions[] = {GIVING(ROW) TELLING(ROW) ACCEPTING(ROW) REFUSING(ROW) OTHERS(ROW)};

int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *found) {
    /* The callers of version 12 and later mean the second form, which also says whether it was found. */
    const char *wanted = !strcmp(name, "cuGetProcAddress") ? "cuGetProcAddress_v2" : name;
    (void)version;
    (void)flags;
    *function = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].name, wanted))
            memcpy(function, &functions[i].function, sizeof *function);
    if (found)
        *found = *function ? 0 : 1;
    return *function ? SUCCESS : NOT_FOUND;
}

int cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, NULL);
}
