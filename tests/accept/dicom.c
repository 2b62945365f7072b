/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a DICOM photograph and writes its pixels, bare. */
#include "image/dicom.h"
#include "base/files.h"

#include <stdio.h>
#include <stdlib.h>

static Status run(int count, char **arguments) {
    if (count != 3)
        return status_error(EXIT_USAGE, "usage: dicom IN.dcm OUT.rgb");
    char *data;
    size_t size;
    TRY(files_read(arguments[1], &data, &size));
    Image image;
    Dicom dicom;
    bool unsupported;
    Status status = dicom_decode(arguments[1], (const uint8_t *)data, size, 0, &image, &dicom, &unsupported);
    free(data);
    if (!status)
        status = files_write(arguments[2], image.pixels, (size_t)image.height * (size_t)image.width * 3);
    image_free(&image);
    return status;
}

int main(int count, char **arguments) {
    Status status = run(count, arguments);
    ExitCode code = status_code(status);
    if (status)
        fprintf(stderr, "dicom: %s\n", status_message(status));
    status_free(status);
    return code;
}
