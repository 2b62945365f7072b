/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/versions.h"

#include "base/files.h"
#include "base/json.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void add(Versions *versions, const char *name, const char *text) {
    if (versions->count == VERSIONS_MOST)
        return;
    Version *version = &versions->list[versions->count++];
    snprintf(version->name, sizeof version->name, "%s", name);
    snprintf(version->text, sizeof version->text, "%s", text);
}

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
    add(versions, name, text);
}

void versions_gather(Versions *versions, const Device *device) {
    DeviceVersion own[DEVICE_VERSIONS];
    Dl_info plugin;
    *versions = (Versions){0};
    add(versions, "compiler", COMPILER);
    add_hash(versions, "program", "/proc/self/exe");
    if (device->library && dladdr((void *)device->operations, &plugin) && plugin.dli_fname)
        add_hash(versions, "kernels", plugin.dli_fname);
    const int count = device->versions(device, own);
    for (int i = 0; i < count; i++)
        add(versions, own[i].name, own[i].text);
}

void versions_print(const Versions *versions, FILE *out) {
    fputc('{', out);
    for (int i = 0; i < versions->count; i++) {
        fputs(i ? ", " : "", out);
        json_string(out, versions->list[i].name);
        fputs(": ", out);
        json_string(out, versions->list[i].text);
    }
    fputc('}', out);
}

void versions_read(Versions *versions, const cJSON *object) {
    const cJSON *item;
    *versions = (Versions){0};
    cJSON_ArrayForEach(item, object) {
        if (item->string && cJSON_IsString(item))
            add(versions, item->string, item->valuestring);
    }
}

static const char *find(const Versions *versions, const char *name) {
    for (int i = 0; i < versions->count; i++)
        if (strcmp(versions->list[i].name, name) == 0)
            return versions->list[i].text;
    return NULL;
}

static void differ(const char *name, const char *there, const char *here, bool *first, FILE *out) {
    if (there && here && strcmp(there, here) == 0)
        return;
    fprintf(out, "%s%s %s there, %s here", *first ? "" : "; ", name, there ? there : "none", here ? here : "none");
    *first = false;
}

void versions_differences(const Versions *here, const Versions *there, FILE *out) {
    bool first = true;
    for (int i = 0; i < there->count; i++)
        differ(there->list[i].name, there->list[i].text, find(here, there->list[i].name), &first, out);
    for (int i = 0; i < here->count; i++)
        if (!find(there, here->list[i].name))
            differ(here->list[i].name, NULL, here->list[i].text, &first, out);
}
