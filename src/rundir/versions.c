/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/versions.h"

#include <stdbool.h>
#include <string.h>

void versions_add(Versions *versions, const char *name, const char *text) {
    if (versions->count == MAX_VERSIONS)
        return;
    Version *version = &versions->list[versions->count++];
    snprintf(version->name, sizeof version->name, "%s", name);
    snprintf(version->text, sizeof version->text, "%s", text);
}

void versions_print(const Versions *versions, Json *json) {
    json_object(json, "versions", JSON_LINE);
    for (int i = 0; i < versions->count; i++)
        json_string(json, versions->list[i].name, versions->list[i].text);
    json_end(json);
}

void versions_read(Versions *versions, const cJSON *object) {
    const cJSON *item;
    *versions = (Versions){0};
    cJSON_ArrayForEach(item, object) {
        if (item->string && cJSON_IsString(item))
            versions_add(versions, item->string, item->valuestring);
    }
}

static const char *find_version(const Versions *versions, const char *name) {
    for (int i = 0; i < versions->count; i++)
        if (strcmp(versions->list[i].name, name) == 0)
            return versions->list[i].text;
    return NULL;
}

static void print_difference(const char *name, const char *there, const char *here, bool *first, FILE *out) {
    if (there && here && strcmp(there, here) == 0)
        return;
    fprintf(out, "%s%s %s there, %s here", *first ? "" : "; ", name, there ? there : "none", here ? here : "none");
    *first = false;
}

void versions_differences(const Versions *here, const Versions *there, FILE *out) {
    bool first = true;
    for (int i = 0; i < there->count; i++)
        print_difference(there->list[i].name, there->list[i].text, find_version(here, there->list[i].name), &first,
                         out);
    for (int i = 0; i < here->count; i++)
        if (!find_version(there, here->list[i].name))
            print_difference(here->list[i].name, NULL, here->list[i].text, &first, out);
}
