/* SPDX-License-Identifier: Apache-2.0 */
#include "device/plugin.h"

#include "ops/ops.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS = 3, ROOM = 64 }; /* folders looked in; bytes for the library's name after a folder's */

static Status load(const char *path, Device *device) {
    /* Never unmapped: the driver's threads and exit handlers may call into it for as long as the program runs. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return status_error(EXIT_MISSING,
                            "%s cannot be loaded: %s; it needs the libraries of CUDA 13 (libcublasLt): install them, "
                            "or name their folder in LD_LIBRARY_PATH",
                            path, dlerror());
    const DevicePlugin *plugin = dlsym(library, "fovea_plugin");
    Status status = NULL;
    if (!plugin || plugin->device_size != sizeof(Device) || plugin->ops_size != sizeof(Ops))
        status = status_error(EXIT_MISSING, "%s is of another build than the program: `make` builds both anew", path);
    else
        status = plugin->open(device);
    if (status)
        dlclose(library);
    else
        device->library = library;
    return status;
}

Status plugin_open(const char *name, Device *device) {
    char program[PATH_MAX], path[PATH_MAX + ROOM];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    struct stat self, library;
    if (length < 0 || stat("/proc/self/exe", &self) != 0)
        return status_error(EXIT_MISSING,
                            "libfovea_%s.so lies beside the program, but /proc/self/exe does not tell where that is: "
                            "%s; mount /proc",
                            name, strerror(errno));
    program[length] = '\0';
    size_t end = (size_t)length;
    for (int folder = 0; folder < FOLDERS && end > 0; folder++) {
        do
            end--;
        while (end > 0 && program[end] != '/');
        snprintf(path, sizeof path, "%.*s/libfovea_%s.so", (int)end, program, name);
        /* Above the program others may write, in /tmp say: what they put there is not run. */
        if (stat(path, &library) == 0 && (folder == 0 || library.st_uid == self.st_uid))
            return load(path, device);
    }
    return status_error(EXIT_MISSING, "there is no libfovea_%s.so with %s or in the two folders above it; %s", name,
                        program,
                        strcmp(name, "cuda") == 0 ? "`make` builds it where CUDA's nvcc is"
                                                  : "for tests, `make tested` builds it beside build/train");
}
