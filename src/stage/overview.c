#include "overview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double overview_factor(int full, int decoded) {
    for (int n = 1; n <= 8; n *= 2)
        if (decoded == (full - 1) / n + 1)
            return n;
    return (double)full / decoded;
}

/* The boxes' sums while the picture's rows pass. */
typedef struct {
    const Image *image;
    double across, down; /* full-size pixels of a decoded one */
    int full_height, full_width;
    float *row; /* [image->width * 3]: rows of one box, by their height within it */
    Overview *overview;
} Reduction;

static void row_add(float *restrict row, const uint8_t *restrict pixels, int count, float weight) {
    for (int i = 0; i < count; i++)
        row[i] += weight * (float)pixels[i];
}

/* The overview's row y from the summed rows, which are `height` full-size pixels high. */
static void row_finish(const Reduction *reduction, int y, double height) {
    const Overview *overview = reduction->overview;
    const double step = overview->step, across = reduction->across;
    float *level = overview->level + (size_t)y * overview->width;
    for (int x = 0; x < overview->width; x++) {
        const double left = x * step, right = fmin(left + step, reduction->full_width);
        const int first = (int)(left / across);
        double sum[3] = {0, 0, 0};
        for (int i = first; i < reduction->image->width && i * across < right; i++) {
            const double width = fmin(right, (i + 1) * across) - fmax(left, i * across);
            for (int c = 0; c < 3; c++)
                sum[c] += width * reduction->row[i * 3 + c];
        }
        level[x] = (float)(fmax(sum[0], fmax(sum[1], sum[2])) / ((right - left) * height));
    }
}

static void reduce(const Reduction *reduction) {
    const Image *image = reduction->image;
    const double step = reduction->overview->step, down = reduction->down;
    const int count = image->width * 3;
    for (int y = 0; y < reduction->overview->height; y++) {
        const double top = y * step, bottom = fmin(top + step, reduction->full_height);
        memset(reduction->row, 0, (size_t)count * sizeof(float));
        for (int i = (int)(top / down); i < image->height && i * down < bottom; i++) {
            const double height = fmin(bottom, (i + 1) * down) - fmax(top, i * down);
            row_add(reduction->row, image->pixels + (size_t)i * count, count, (float)height);
        }
        row_finish(reduction, y, bottom - top);
    }
}

Status overview_make(const Image *image, int full_height, int full_width, Overview *overview) {
    const int longer = full_height > full_width ? full_height : full_width;
    *overview = (Overview){.step = fmax(1.0, (double)longer / OVERVIEW_SIDE)};
    /* Less a hair, so that 384 boxes of 1/384 do not become 385 by rounding. */
    overview->width = (int)ceil(full_width / overview->step - 1e-6);
    overview->height = (int)ceil(full_height / overview->step - 1e-6);
    Reduction reduction = {.image = image,
                           .across = overview_factor(full_width, image->width),
                           .down = overview_factor(full_height, image->height),
                           .full_height = full_height,
                           .full_width = full_width,
                           .row = malloc((size_t)image->width * 3 * sizeof(float)),
                           .overview = overview};
    overview->level = malloc((size_t)overview->width * overview->height * sizeof(float));
    if (!reduction.row || !overview->level) {
        free(reduction.row);
        free(overview->level);
        overview->level = NULL;
        return status_no_memory("a photograph's overview", (unsigned long long)image->width * 3 * sizeof(float));
    }
    reduce(&reduction);
    free(reduction.row);
    return NULL;
}
