/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/canvas.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLANES = 5, MAX_TAPS = 64 };

Status canvas_open(Canvas *canvas, int size, double margin) {
    *canvas = (Canvas){.size = size};
    size_t plane = (size_t)size * (size_t)size;
    float *memory = calloc(plane * PLANES, sizeof *memory);
    if (!memory)
        return status_no_memory("an image", plane * PLANES * sizeof *memory);
    for (int i = 0; i < 3; i++)
        canvas->colour[i] = memory + (size_t)i * plane;
    for (int i = 0; i < 2; i++)
        canvas->layer[i] = memory + (size_t)(3 + i) * plane;
    canvas->centre = 0.5 * (size - 1);
    canvas->radius = 0.5 * size * margin;
    return NULL;
}

void canvas_close(Canvas *canvas) {
    free(canvas->colour[0]);
    *canvas = (Canvas){0};
}

void canvas_view(Canvas *canvas, const Exposure *exposure, bool left) {
    double pixel = exposure->field / canvas->radius;
    double c = cos(exposure->rotation) * pixel, s = sin(exposure->rotation) * pixel;
    double mirror = left ? -1.0 : 1.0;
    canvas->pixel = pixel;
    canvas->step[0][0] = mirror * c;
    canvas->step[0][1] = mirror * s;
    canvas->step[1][0] = -s;
    canvas->step[1][1] = c;
    canvas->start[0] = exposure->centre_x - (canvas->step[0][0] + canvas->step[0][1]) * canvas->centre;
    canvas->start[1] = exposure->centre_y - (canvas->step[1][0] + canvas->step[1][1]) * canvas->centre;
}

void canvas_to_retina(const Canvas *canvas, double column, double row, double *x, double *y) {
    *x = canvas->start[0] + canvas->step[0][0] * column + canvas->step[0][1] * row;
    *y = canvas->start[1] + canvas->step[1][0] * column + canvas->step[1][1] * row;
}

void canvas_to_pixel(const Canvas *canvas, double x, double y, double *column, double *row) {
    /* The steps are a turn (or a mirrored turn) times `pixel`: the transpose over its square undoes them. */
    double scale = 1.0 / (canvas->pixel * canvas->pixel);
    double dx = x - canvas->start[0], dy = y - canvas->start[1];
    *column = scale * (canvas->step[0][0] * dx + canvas->step[1][0] * dy);
    *row = scale * (canvas->step[0][1] * dx + canvas->step[1][1] * dy);
}

Box canvas_box(const Canvas *canvas, double column, double row, double reach) {
    double last = canvas->size - 1;
    Box box = {(int)fmin(fmax(ceil(column - reach), 0.0), last + 1.0),
               (int)fmax(fmin(floor(column + reach), last), -1.0), (int)fmin(fmax(ceil(row - reach), 0.0), last + 1.0),
               (int)fmax(fmin(floor(row + reach), last), -1.0)};
    return box;
}

void canvas_row(const Canvas *canvas, int row, int *left, int *right) {
    double reach = 1.04 * canvas->radius + 2.0, dy = row - canvas->centre;
    double half = reach * reach - dy * dy;
    *left = 1;
    *right = 0;
    if (half < 0.0)
        return;
    half = sqrt(half);
    *left = (int)fmax(0.0, ceil(canvas->centre - half));
    *right = (int)fmin(canvas->size - 1.0, floor(canvas->centre + half));
}

void canvas_clear_layer(Canvas *canvas, int layer) {
    memset(canvas->layer[layer], 0, (size_t)canvas->size * (size_t)canvas->size * sizeof(float));
}

/* Along the rows, then along the columns; beyond the edge the last pixel goes on. */
static void blur_rows(const float *restrict from, float *restrict to, int size, const float *taps, int reach) {
    for (int row = 0; row < size; row++) {
        const float *source = from + (size_t)row * (size_t)size;
        float *target = to + (size_t)row * (size_t)size;
        for (int column = 0; column < size; column++)
            target[column] = taps[0] * source[column];
        for (int k = 1; k <= reach; k++) {
            int low = k < size ? k : size, high = size - k > low ? size - k : low;
            for (int column = 0; column < low; column++)
                target[column] += taps[k] * (source[0] + source[column + k < size ? column + k : size - 1]);
            for (int column = low; column < high; column++)
                target[column] += taps[k] * (source[column - k] + source[column + k]);
            for (int column = high; column < size; column++)
                target[column] += taps[k] * (source[column - k] + source[size - 1]);
        }
    }
}

static void blur_columns(const float *restrict from, float *restrict to, int size, const float *taps, int reach) {
    for (int row = 0; row < size; row++) {
        float *target = to + (size_t)row * (size_t)size;
        const float *source = from + (size_t)row * (size_t)size;
        for (int column = 0; column < size; column++)
            target[column] = taps[0] * source[column];
        for (int k = 1; k <= reach; k++) {
            const float *above = from + (size_t)(row > k ? row - k : 0) * (size_t)size;
            const float *below = from + (size_t)(row + k < size ? row + k : size - 1) * (size_t)size;
            for (int column = 0; column < size; column++)
                target[column] += taps[k] * (above[column] + below[column]);
        }
    }
}

void canvas_blur(Canvas *canvas, double deviation) {
    float taps[MAX_TAPS + 1];
    int reach = (int)ceil(2.6 * deviation);
    if (reach > MAX_TAPS)
        reach = MAX_TAPS;
    if (reach < 1)
        return;
    double sum = 0.0;
    for (int k = 0; k <= reach; k++) {
        taps[k] = (float)exp(-0.5 * k * k / (deviation * deviation));
        sum += (k ? 2.0 : 1.0) * taps[k];
    }
    for (int k = 0; k <= reach; k++)
        taps[k] = (float)(taps[k] / sum);
    for (int i = 0; i < 3; i++) {
        blur_rows(canvas->colour[i], canvas->layer[0], canvas->size, taps, reach);
        blur_columns(canvas->layer[0], canvas->colour[i], canvas->size, taps, reach);
    }
}
