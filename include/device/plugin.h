/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come from a library beside the program: how the program opens one, what the library exports, and what
 * it finds in the program. */
#ifndef FOVEA_DEVICE_PLUGIN_H
#define FOVEA_DEVICE_PLUGIN_H

#include "device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exported by the library under the name `fovea_plugin`; the sizes, as in Device, reveal a library of another build. */
typedef struct {
    size_t device_size, ops_size;
    Status (*open)(Device *device);
} DevicePlugin;

/* Opens libfovea_NAME.so, from the program's folder or, where the builds of tests are, one of the two above it, and the
 * device in it. EXIT_MISSING, with cause and remedy, when there is no such library, it cannot be loaded or is of
 * another build. */
Status plugin_open(const char *name, Device *device) MUST_USE;

/* For the library. The failure of an allocation of `bytes` for `what` on a GPU: how much is free, and which other
 * processes use the rest. */
Status plugin_no_memory(const Device *device, const char *what, size_t bytes) MUST_USE;
/* The same failure, with the processes that use the GPU's memory when it is EXIT_NO_MEMORY. */
Status plugin_name_processes(const Device *device, Status failure) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
