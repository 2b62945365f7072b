/* SPDX-License-Identifier: Apache-2.0 */
/* The backends that are present: the CPU, the emulated GPU, a GPU. */
#ifndef CHECKOPS_BACKENDS_H
#define CHECKOPS_BACKENDS_H

#include "device/device.h"
#include "kernels/emu/control.h"
#include "ops/ops.h"

typedef enum { BACKEND_CPU, BACKEND_EMU, BACKEND_CUDA, BACKENDS } BackendName;

typedef struct {
    const char *name;
    const Device *device; /* NULL: absent */
    Device *opened;
    const EmuControl *control; /* the emulator's */
    bool wanted;               /* by --backend */
    char reason[300];          /* why it is absent */
} Backend;

typedef struct {
    Backend of[BACKENDS];
} Backends;

/* Opens the backend named `only`, or all for NULL, and always the CPU, with which the others are compared. False: no
 * backend has that name. */
bool backends_open(Backends *backends, const char *only);
void backends_close(Backends *backends);

/* What the emulator does from now on, once the device has been waited for: 0 .. EMU_ORDERS - 1. */
void backend_set_order(const Backend *emu, int order);
/* The kernels that the emulator's library launches anywhere, by name with template arguments, and how often each ran.
 */
size_t backend_kernels(const Backend *emu);
const char *backend_kernel(const Backend *emu, size_t kernel, unsigned long *executions);

#endif
