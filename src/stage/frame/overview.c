/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/overview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double overview_factor(int full, int decoded) {
    for (int n = 1; n <= 8; n *= 2)
        if (decoded == (full - 1) / n + 1)
            return n;
    return (double)full / decoded;
}

/* The decoded pixels of one box along one axis; the first and the last count by their share in the box. */
typedef struct {
    int first, last;
    float first_weight, middle_weight, last_weight; /* full-size pixels */
    float length;                                   /* of the part of the box within the image */
} BoxSpan;

static BoxSpan span_of(int box, double step, int full, double factor, int decoded) {
    const double start = box * step, end = start + step < full ? start + step : full;
    BoxSpan span = {.first = (int)(start / factor), .last = (int)ceil(end / factor) - 1};
    span.last = span.last >= decoded ? decoded - 1 : span.last < span.first ? span.first : span.last;
    span.length = (float)(end - start);
    span.middle_weight = (float)factor;
    span.first_weight = (float)((span.first + 1) * factor - start);
    span.last_weight = (float)(end - span.last * factor);
    if (span.first == span.last)
        span.first_weight = span.length;
    return span;
}

static float span_weight(const BoxSpan *span, int i) {
    return i == span->first ? span->first_weight : i == span->last ? span->last_weight : span->middle_weight;
}

static void add_row(float *restrict row, const uint8_t *restrict pixels, int count, float weight) {
    for (int i = 0; i < count; i++)
        row[i] += weight * (float)pixels[i];
}

static float brightest(const float sum[3]) {
    const float two = sum[0] > sum[1] ? sum[0] : sum[1];
    return two > sum[2] ? two : sum[2];
}

/* The levels of one row of boxes, from the sums of their rows of pixels. */
static void finish_row(const float *row, const BoxSpan *columns, int width, float height, float *level) {
    for (int x = 0; x < width; x++) {
        const BoxSpan *span = &columns[x];
        float sum[3] = {0, 0, 0};
        for (int i = span->first; i <= span->last; i++)
            for (int c = 0; c < 3; c++)
                sum[c] += span_weight(span, i) * row[i * 3 + c];
        level[x] = brightest(sum) / (span->length * height);
    }
}

static void reduce_image(const Image *image, int full_height, int full_width, const Overview *overview,
                         BoxSpan *columns, float *row) {
    const double step = overview->step, down = overview_factor(full_height, image->height);
    const double across = overview_factor(full_width, image->width);
    const int count = image->width * 3;
    for (int x = 0; x < overview->width; x++)
        columns[x] = span_of(x, step, full_width, across, image->width);
    for (int y = 0; y < overview->height; y++) {
        const BoxSpan lines = span_of(y, step, full_height, down, image->height);
        memset(row, 0, (size_t)count * sizeof *row);
        for (int i = lines.first; i <= lines.last; i++)
            add_row(row, image->pixels + (size_t)i * count, count, span_weight(&lines, i));
        finish_row(row, columns, overview->width, lines.length, overview->level + (size_t)y * overview->width);
    }
}

Status overview_make(const Image *image, int full_height, int full_width, Overview *overview) {
    const int longer = full_height > full_width ? full_height : full_width;
    *overview = (Overview){.step = longer > OVERVIEW_SIDE ? (double)longer / OVERVIEW_SIDE : 1.0};
    /* A little less, so that rounding does not turn 384 boxes of 1/384 into 385. */
    overview->width = (int)ceil(full_width / overview->step - 1e-6);
    overview->height = (int)ceil(full_height / overview->step - 1e-6);
    float *row = malloc((size_t)image->width * 3 * sizeof *row);
    BoxSpan *columns = malloc((size_t)overview->width * sizeof *columns);
    overview->level = malloc((size_t)overview->width * overview->height * sizeof(float));
    const bool complete = row && columns && overview->level;
    if (complete)
        reduce_image(image, full_height, full_width, overview, columns, row);
    free(columns);
    free(row);
    if (complete)
        return NULL;
    free(overview->level);
    overview->level = NULL;
    return status_no_memory("a photograph's overview", (unsigned long long)image->width * 3 * sizeof(float));
}
