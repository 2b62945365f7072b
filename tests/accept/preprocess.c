/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes an image and shows what training or evaluation would see of it, as bare pixels. */
#include "base/files.h"
#include "data/loader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status usage(void) {
    return status_error(EXIT_USAGE, "usage: preprocess IMAGE OUT.rgb decode | eval S | crop S TOP LEFT H W");
}

static Status parse(const char *text, int least, int *value) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end || errno || number < least || number > INT_MAX)
        return status_error(EXIT_USAGE, "%s: a whole number of at least %d is needed", text, least);
    *value = (int)number;
    return NULL;
}

static Status allocate(int size, uint8_t **out) {
    enum { MAX_SIZE = 20000 };
    if (size > MAX_SIZE)
        return status_error(EXIT_USAGE, "size %d: at most %d", size, MAX_SIZE);
    *out = malloc((size_t)size * (size_t)size * 3);
    return *out ? NULL : status_no_memory("the output", (unsigned long long)size * (unsigned long long)size * 3);
}

static Status evaluate(const Image *image, int size, const char *path) {
    uint8_t *out;
    TRY(allocate(size, &out));
    Status status = evaluation_view(image, size, out);
    if (!status)
        status = files_write(path, out, (size_t)size * (size_t)size * 3);
    free(out);
    return status;
}

static Status cut(const Image *image, int size, Crop crop, const char *path) {
    if (crop.height > image->height - crop.top || crop.width > image->width - crop.left)
        return status_error(EXIT_USAGE, "the box does not lie within the image of %d x %d", image->width,
                            image->height);
    uint8_t *out;
    TRY(allocate(size, &out));
    Status status = resize_pixels(image->pixels, image->height, image->width, crop, size, size, out);
    if (!status)
        status = files_write(path, out, (size_t)size * (size_t)size * 3);
    free(out);
    return status;
}

static Status run(int count, char **arguments) {
    if (count < 4)
        return usage();
    const char *path = arguments[2], *what = arguments[3];
    bool decode = strcmp(what, "decode") == 0 && count == 4, eval = strcmp(what, "eval") == 0 && count == 5;
    if (!decode && !eval && !(strcmp(what, "crop") == 0 && count == 9))
        return usage();
    int size = 0;
    Crop crop = {0};
    if (!decode)
        TRY(parse(arguments[4], 1, &size));
    if (!decode && !eval) {
        TRY(parse(arguments[5], 0, &crop.top));
        TRY(parse(arguments[6], 0, &crop.left));
        TRY(parse(arguments[7], 1, &crop.height));
        TRY(parse(arguments[8], 1, &crop.width));
    }
    Image image;
    TRY(image_read(arguments[1], &image));
    Status status;
    if (decode)
        status = files_write(path, image.pixels, (size_t)image.height * (size_t)image.width * 3);
    else
        status = eval ? evaluate(&image, size, path) : cut(&image, size, crop, path);
    image_free(&image);
    return status;
}

int main(int count, char **arguments) {
    Status status = run(count, arguments);
    ExitCode code = status_code(status);
    if (status)
        fprintf(stderr, "preprocess: %s\n", status_message(status));
    status_free(status);
    return code;
}
