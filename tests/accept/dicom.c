/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a DICOM photograph and writes its pixels, bare. */
#include "image/dicom.h"
#include "base/files.h"
#include "base/program.h"
#include "image/dicom_decode.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *input, *output;
} Arguments;

static const Option options[] = {
    {.name = "IN.dcm", .type = OPTION_PATH, .offset = offsetof(Arguments, input), .help = "The DICOM file."},
    {.name = "OUT.rgb", .type = OPTION_PATH, .offset = offsetof(Arguments, output), .help = "Gets the bare pixels."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "dicom", .about = "Reads a DICOM photograph and writes its pixels.", .options = options, .exits = exits};

static Status run(void *context) {
    const Arguments *a = context;
    char *data;
    size_t size;
    TRY(files_read(a->input, &data, &size));
    Image image;
    Dicom dicom;
    bool unsupported;
    Status status = dicom_decode(a->input, (const uint8_t *)data, size, 0, &image, &dicom, &unsupported);
    free(data);
    if (!status)
        status = files_write(a->output, image.pixels, (size_t)image.height * (size_t)image.width * 3);
    image_free(&image);
    return status;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
