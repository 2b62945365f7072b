/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/backends.h"
#include "device/open.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_backend(Backend *backend, DeviceKind kind) {
    char *note = NULL;
    Status status = device_open(kind, &backend->opened, &note);
    if (status)
        snprintf(backend->reason, sizeof backend->reason, "%s", status_message(status));
    backend->device = status ? NULL : backend->opened;
    status_free(status);
    free(note);
}

static void open_emulator(Backend *emu) {
    open_backend(emu, DEVICE_EMU);
    emu->control = emu->device ? dlsym(emu->device->library, "fovea_emu") : NULL;
    if (emu->control || !emu->device)
        return;
    snprintf(emu->reason, sizeof emu->reason, "the emulator's library exports no fovea_emu: %s", dlerror());
    emu->device = NULL;
}

bool backends_open(Backends *backends, const char *only) {
    static const char *const names[BACKENDS] = {"cpu", "emu", "cuda"};
    bool known = !only;
    *backends = (Backends){0};
    for (int i = 0; i < BACKENDS; i++) {
        Backend *backend = &backends->of[i];
        backend->name = names[i];
        backend->wanted = !only || !strcmp(only, names[i]);
        known |= backend->wanted;
    }
    backends->of[BACKEND_CPU].device = device_cpu();
    if (known && backends->of[BACKEND_EMU].wanted)
        open_emulator(&backends->of[BACKEND_EMU]);
    if (known && backends->of[BACKEND_CUDA].wanted)
        open_backend(&backends->of[BACKEND_CUDA], DEVICE_CUDA);
    return known;
}

void backends_close(Backends *backends) {
    for (int i = 0; i < BACKENDS; i++)
        if (backends->of[i].opened)
            device_close(backends->of[i].opened);
}

void backend_set_order(const Backend *emu, int order) {
    emu->control->order((EmuOrder)order);
}

size_t backend_kernels(const Backend *emu) {
    return emu->control->kernels();
}

const char *backend_kernel(const Backend *emu, size_t kernel, unsigned long *executions) {
    *executions = emu->control->kernel_executions(kernel);
    return emu->control->kernel_name(kernel);
}
