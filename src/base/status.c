/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct Error {
    ExitCode code;
    char message[1024];
};

/* Constant in use: status_error() hands it out only when the heap is empty, and nobody writes to it. */
static struct Error out_of_memory = {EXIT_NO_MEMORY,
                                     "out of memory: lower train.micro_batch or data.ring, or free memory"};

Status status_error(ExitCode code, const char *format, ...) {
    struct Error *error = malloc(sizeof *error);
    if (!error)
        return &out_of_memory;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return error;
}

Status status_no_memory(const char *what, unsigned long long bytes) {
    return status_error(EXIT_NO_MEMORY,
                        "out of memory: %.1f MB for %s could not be had; lower train.micro_batch, model.image_size or "
                        "data.ring, or free memory",
                        (double)bytes / 1e6, what);
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
