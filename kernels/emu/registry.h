/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels that the library's code launches. */
#ifndef FOVEA_EMU_REGISTRY_H
#define FOVEA_EMU_REGISTRY_H

#include <stddef.h>
#include <string>

namespace emu {
struct KernelEntry;

/* "norm_forward<float, 256>" */
std::string kernel_name(const KernelEntry *kernel);
/* The entry of a kernel by its address; NULL when nothing launches it. */
KernelEntry *registry_find(const void *kernel);
size_t registry_count();
const char *registry_name(size_t kernel);
unsigned long registry_executions(size_t kernel);
} // namespace emu

#endif
