/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes an image and shows what training or evaluation would see of it, as bare pixels. */
#include "base/files.h"
#include "base/program.h"
#include "data/evaluation_view.h"
#include "data/loader.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>

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
    Status status = evaluation_view(image, size, VIEW_CENTER, out);
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

typedef struct {
    const char *input, *output;
    int view, size;
    Crop crop;
} Arguments;

enum { VIEW_DECODE, VIEW_EVAL, VIEW_CROP };
static const char *const views[] = {"decode", "eval", "crop", NULL};

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "IMAGE", .type = OPTION_PATH, .offset = AT(input), .help = "The image."},
    {.name = "OUT.rgb", .type = OPTION_PATH, .offset = AT(output), .help = "Gets the bare pixels."},
    {.name = "VIEW",
     .type = OPTION_CHOICE,
     .choices = views,
     .offset = AT(view),
     .help = "decode: the whole image. eval S: as evaluation sees it. crop S TOP LEFT H W: a crop, resized."},
    {.name = "S",
     .type = OPTION_INT,
     .offset = AT(size),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "Side in pixels."},
    {.name = "TOP",
     .type = OPTION_INT,
     .offset = AT(crop.top),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "First row of the crop."},
    {.name = "LEFT",
     .type = OPTION_INT,
     .offset = AT(crop.left),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "First column of the crop."},
    {.name = "H",
     .type = OPTION_INT,
     .offset = AT(crop.height),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "Rows of the crop."},
    {.name = "W",
     .type = OPTION_INT,
     .offset = AT(crop.width),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "Columns of the crop."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "preprocess",
    .about = "Decodes an image and writes the pixels that training or evaluation sees of it.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    const Arguments *a = context;
    const Crop *crop = &a->crop;
    const int numbers = (a->size > 0) + (crop->top >= 0) + (crop->left >= 0) + (crop->height > 0) + (crop->width > 0);
    if (numbers != (a->view == VIEW_DECODE ? 0 : a->view == VIEW_EVAL ? 1 : 5))
        return status_error(EXIT_USAGE, "%s takes other numbers (preprocess --help lists them)", views[a->view]);
    Image image;
    TRY(image_read(a->input, &image));
    Status status;
    if (a->view == VIEW_DECODE)
        status = files_write(a->output, image.pixels, (size_t)image.height * (size_t)image.width * 3);
    else
        status = a->view == VIEW_EVAL ? evaluate(&image, a->size, a->output) : cut(&image, a->size, a->crop, a->output);
    image_free(&image);
    return status;
}

int main(int count, char **arguments) {
    Arguments a = {.crop = {.top = -1, .left = -1}}; /* not given */
    return program_main(&program, count, arguments, &a, run);
}
