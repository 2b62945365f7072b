/* SPDX-License-Identifier: Apache-2.0 */
#include "device/plugin.h"

#include "gauges/gpu_processes.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders that are searched; bytes for the library's name after a folder's; bytes for a list of processes. */
enum { FOLDERS = 3, LIBRARY_NAME = 64, PROCESSES_TEXT = 256 };
static const double MEGABYTE = 1e6;

static Status load_library(const char *name, const char *path, Device *device) {
    /* Never unmapped: the driver's threads and exit handlers may call into it for as long as the program runs. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *reason = dlerror();
        /* The emulator needs no library that a program does not need, too. */
        const bool absent = strcmp(name, "cuda") == 0 && strstr(reason, "cannot open shared object file");
        return status_error(EXIT_MISSING, "%s cannot be loaded: %s; %s", path, reason,
                            absent ? "it needs the libraries of CUDA 13 (libcublasLt): install them, or add their "
                                     "folder to LD_LIBRARY_PATH"
                                   : "run `make`, which builds it for this program");
    }
    const DevicePlugin *plugin = dlsym(library, "fovea_plugin");
    Status status = NULL;
    if (!plugin || plugin->device_size != sizeof(Device) || plugin->ops_size != device_cpu()->ops_size)
        status = status_error(EXIT_MISSING, "%s is from another build than the program: run `make`, which builds both",
                              path);
    else
        status = plugin->open(device);
    if (status)
        dlclose(library);
    else
        device->library = library;
    return status;
}

Status plugin_open(const char *name, Device *device) {
    char program[PATH_MAX], path[PATH_MAX + LIBRARY_NAME];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    struct stat self, library;
    if (length < 0 || stat("/proc/self/exe", &self) != 0)
        return status_error(
            EXIT_MISSING,
            "libfovea_%s.so is searched beside the program, but /proc/self/exe cannot be read: %s; mount "
            "/proc",
            name, strerror(errno));
    program[length] = '\0';
    size_t end = (size_t)length;
    for (int folder = 0; folder < FOLDERS && end > 0; folder++) {
        do
            end--;
        while (end > 0 && program[end] != '/');
        snprintf(path, sizeof path, "%.*s/libfovea_%s.so", (int)end, program, name);
        /* Other users may write to the folders above the program, such as /tmp: a library of theirs is not loaded. */
        if (stat(path, &library) == 0 && (folder == 0 || library.st_uid == self.st_uid))
            return load_library(name, path, device);
    }
    return status_error(EXIT_MISSING, "there is no libfovea_%s.so beside %s or in the two folders above it; %s", name,
                        program,
                        strcmp(name, "cuda") == 0 ? "`make` builds it where CUDA's nvcc is installed"
                                                  : "for tests, `make tested` builds it beside build/train");
}

Status plugin_no_memory(const Device *device, const char *what, size_t bytes) {
    size_t available, total;
    char processes[PROCESSES_TEXT];
    TRY(device->memory(device, &available, &total));
    gpu_processes(device->pci, processes, sizeof processes);
    return status_error(EXIT_NO_MEMORY,
                        "out of GPU memory: cannot allocate %.1f MB for %s; %.1f MB of %.1f MB of the %s are free%s; "
                        "use a GPU that no other process uses (`nvidia-smi` lists them)",
                        (double)bytes / MEGABYTE, what, (double)available / MEGABYTE, (double)total / MEGABYTE,
                        device->model, processes);
}

Status plugin_name_processes(const Device *device, Status failure) {
    char processes[PROCESSES_TEXT] = "";
    if (status_code(failure) == EXIT_NO_MEMORY)
        gpu_processes(device->pci, processes, sizeof processes);
    return *processes ? status_append(failure, "%s", processes) : failure;
}
