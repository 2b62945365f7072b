/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_IN_MEGABYTES = 50000 }; /* bytes; fewer would read as 0.0 MB */

struct Error {
    ExitCode code;
    char message[]; /* as long as it needs to be: two paths and the advice */
};

/* Never changed: status_error() returns it when the heap is empty. */
static struct Error out_of_memory = {EXIT_NO_MEMORY, {"out of memory: free memory, then run again"}};

Status status_error(ExitCode code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    struct Error *error = length < 0 ? NULL : malloc(sizeof *error + (size_t)length + 1);
    if (!error)
        return &out_of_memory;
    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->message, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return error;
}

Status status_no_memory(const char *what, unsigned long long bytes) {
    if (bytes < LEAST_IN_MEGABYTES)
        return status_error(EXIT_NO_MEMORY, "out of memory: cannot allocate memory for %s; free memory", what);
    return status_error(EXIT_NO_MEMORY, "out of memory: cannot allocate %.1f MB for %s; free memory",
                        (double)bytes / 1e6, what);
}

Status status_append(Status status, const char *format, ...) {
    if (!status || status == &out_of_memory)
        return status;
    const size_t used = strlen(status->message);
    va_list arguments;
    va_start(arguments, format);
    char *more;
    const int length = vasprintf(&more, format, arguments);
    va_end(arguments);
    if (length < 0)
        return status;
    struct Error *longer = realloc(status, sizeof *status + used + (size_t)length + 1);
    if (longer)
        memcpy(longer->message + used, more, (size_t)length + 1);
    free(more);
    return longer ? longer : status;
}

ExitCode status_code(Status status) {
    return status ? status->code : EXIT_OK;
}

const char *status_message(Status status) {
    return status ? status->message : "";
}

void status_free(Status status) {
    if (status != &out_of_memory)
        free(status);
}
