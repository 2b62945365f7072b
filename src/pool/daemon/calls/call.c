/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/calls/call.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

Status call_integer(const Call *call, const char *name, int64_t *value) {
    const cJSON *member = cJSON_GetObjectItem(call->arguments, name);
    if (!cJSON_IsNumber(member) || member->valuedouble != floor(member->valuedouble) ||
        fabs(member->valuedouble) > 9007199254740992.0)
        return status_error(EXIT_USAGE, "the request has no whole number called %s", name);
    *value = (int64_t)member->valuedouble;
    return NULL;
}

bool call_flag(const Call *call, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItem(call->arguments, name));
}

void call_nothing(Call *call) {
    json_object(&call->json, NULL, JSON_COMPACT);
    json_end(&call->json);
}

Status call_file(Call *call, FILE **out) {
    *out = NULL;
    call->descriptor = memfd_create("lines", MFD_CLOEXEC);
    const int copy = call->descriptor < 0 ? -1 : fcntl(call->descriptor, F_DUPFD_CLOEXEC, 3);
    *out = copy < 0 ? NULL : fdopen(copy, "w");
    if (*out)
        return NULL;
    const int cause = errno;
    if (copy >= 0)
        close(copy);
    return files_failure("make", "a file for the answer", cause);
}
