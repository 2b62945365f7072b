/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/provenance.h"

#include "base/files.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

_Static_assert(MAX_VERSIONS >= DEVICE_VERSIONS + 3, "run.json has no place for all versions");

/* A file that cannot be read has no version. */
static void add_hash(Versions *versions, const char *name, const char *path) {
    char *data, text[32];
    size_t size;
    Status status = files_read(path, &data, &size);
    if (status) {
        status_free(status);
        return;
    }
    snprintf(text, sizeof text, "%016" PRIx64, (uint64_t)XXH3_64bits(data, size));
    free(data);
    versions_add(versions, name, text);
}

void provenance_versions(const Device *device, Versions *versions) {
    DeviceVersion own[DEVICE_VERSIONS];
    Dl_info plugin;
    *versions = (Versions){0};
    versions_add(versions, "compiler", COMPILER);
    add_hash(versions, "program", "/proc/self/exe");
    if (device->library && dladdr((void *)device->operations, &plugin) && plugin.dli_fname)
        add_hash(versions, "kernels", plugin.dli_fname);
    const int count = device->versions(device, own);
    for (int i = 0; i < count; i++)
        versions_add(versions, own[i].name, own[i].text);
}

void provenance_device(const Device *device, char model[128]) {
    snprintf(model, 128, "%s", *device->model ? device->model : "CPU");
    FILE *file = *device->model ? NULL : fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", strlen("model name")) != 0)
            continue;
        snprintf(model, 128, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(file);
}
