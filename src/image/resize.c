/* SPDX-License-Identifier: Apache-2.0 */
#include "image/resize.h"
#include "base/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pillow's fixed point: weights have 22 bits of fraction, which leaves an int 8 for the value and 2 for overshoot. A
 * weight is split into `high` * 2^LOW_BITS + `low`: floats then multiply and add both without rounding (sums stay below
 * 2^24 for TAPS_EXACT terms), and vectorise as no 32-bit integer product does. */
enum { FRACTION = 22, LOW_BITS = 7, TAPS_EXACT = 512 };

/* How one axis is resampled: output i is the sum of `count` inputs from `first` on, weighted by those at i * taps. */
typedef struct {
    int first, count;
} Span;

typedef struct {
    Span *spans;
    float *high, *low;
    int taps;
} Axis;

/* Keys' cubic convolution with a = -0.5. */
static double bicubic(double x) {
    x = fabs(x);
    if (x < 1.0)
        return (1.5 * x - 2.5) * x * x + 1.0;
    return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

/* The part of one axis that is resampled: `length` from `start` on, which touches `pixels` pixels; those before `low`
 * and from `high` on are black, and inputs count from `low`. */
typedef struct {
    double start, length;
    int pixels, low, high;
} Stretch;

static Stretch stretch_whole(int pixels) {
    return (Stretch){0, pixels, pixels, 0, pixels};
}

/* Sets the inputs and weights of output i of `to` at `place`. */
static void axis_weigh(Axis *axis, int place, int i, const Stretch *from, int to, double *exact) {
    const double scale = from->length / to, widened = scale < 1.0 ? 1.0 : scale, support = 2.0 * widened;
    const double centre = from->start + (i + 0.5) * scale;
    int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    end = end > from->pixels ? from->pixels : end;
    double total = 0;
    for (int k = 0; k < end - first; k++) {
        exact[k] = bicubic((k + first - centre + 0.5) / widened);
        total += exact[k];
    }
    const int skipped = first < from->low ? from->low - first : 0;
    end = end > from->high ? from->high : end;
    axis->spans[place] = end > first + skipped ? (Span){first + skipped - from->low, end - first - skipped} : (Span){0};
    for (int k = 0; k < axis->spans[place].count; k++) {
        const double fixed = exact[k + skipped] / total * (1 << FRACTION);
        const int32_t weight = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
        axis->high[(size_t)place * axis->taps + k] = (float)(weight >> LOW_BITS);
        axis->low[(size_t)place * axis->taps + k] = (float)(weight & ((1 << LOW_BITS) - 1));
    }
}

static void axis_close(Axis *axis) {
    free(axis->spans);
    free(axis->high);
    free(axis->low);
}

static Status axis_open(Axis *axis, const Stretch *from, int to, bool mirrored) {
    const double scale = from->length / to;
    *axis = (Axis){.taps = (int)ceil(2.0 * (scale < 1.0 ? 1.0 : scale)) * 2 + 1};
    const size_t weights = (size_t)to * axis->taps;
    double *exact = malloc(axis->taps * sizeof *exact);
    axis->spans = malloc(to * sizeof *axis->spans);
    axis->high = malloc(weights * sizeof *axis->high);
    axis->low = malloc(weights * sizeof *axis->low);
    const bool complete = exact && axis->spans && axis->high && axis->low;
    for (int i = 0; i < to && complete; i++)
        axis_weigh(axis, mirrored ? to - 1 - i : i, i, from, to, exact);
    free(exact);
    if (complete)
        return NULL;
    axis_close(axis);
    return status_no_memory("resize_pixels' weights", 2 * weights * sizeof(float));
}

typedef float Lanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t Whole __attribute__((vector_size(32)));
enum { ROWS = 8 }; /* lanes */

/* Stores the rounded sums, clamped to 0 .. 255: negative ones have a sign to shift in, and so have too large ones after
 * subtraction from 255. */
static inline __attribute__((always_inline)) void store_levels(float *to, const Whole *sums) {
    Whole sum = (*sums + (1 << (FRACTION - 1))) >> FRACTION;
    sum &= ~(sum >> 31);
    sum |= (255 - sum) >> 31;
    *(Lanes *)to = __builtin_convertvector(sum & 255, Lanes);
}

/* Eight rows at once, each pixel's rows next to each other in `in` [inputs][3][8]; out [outputs][3][8]. */
WIDE static void resample_across(const float *in, const Axis *axis, float *out, int outputs) {
    for (int i = 0; i < outputs; i++) {
        const Span span = axis->spans[i];
        const float *high = axis->high + (size_t)i * axis->taps, *low = axis->low + (size_t)i * axis->taps;
        const float *from = in + (size_t)span.first * 3 * ROWS;
        Whole red = {0}, green = {0}, blue = {0};
        for (int start = 0; start < span.count; start += TAPS_EXACT) {
            Lanes r = {0}, g = {0}, b = {0}, r_low = {0}, g_low = {0}, b_low = {0};
            for (int k = start; k < span.count && k < start + TAPS_EXACT; k++) {
                const Lanes *pixel = (const Lanes *)(from + (size_t)k * 3 * ROWS);
                r += high[k] * pixel[0];
                g += high[k] * pixel[1];
                b += high[k] * pixel[2];
                r_low += low[k] * pixel[0];
                g_low += low[k] * pixel[1];
                b_low += low[k] * pixel[2];
            }
            const int32_t unit = 1 << LOW_BITS;
            red += __builtin_convertvector(r, Whole) * unit + __builtin_convertvector(r_low, Whole);
            green += __builtin_convertvector(g, Whole) * unit + __builtin_convertvector(g_low, Whole);
            blue += __builtin_convertvector(b, Whole) * unit + __builtin_convertvector(b_low, Whole);
        }
        store_levels(out + (size_t)(i * 3) * ROWS, &red);
        store_levels(out + (size_t)(i * 3 + 1) * ROWS, &green);
        store_levels(out + (size_t)(i * 3 + 2) * ROWS, &blue);
    }
}

/* One output row from the rows of a ring of `capacity`, each `stride` floats; whole vectors are computed. */
WIDE static void resample_down(const float *ring, int capacity, size_t stride, Span span, const float *high,
                               const float *low, float *out) {
    for (size_t x = 0; x < stride; x += 2 * ROWS) {
        Whole left = {0}, right = {0};
        for (int start = 0; start < span.count; start += TAPS_EXACT) {
            Lanes l = {0}, r = {0}, l_low = {0}, r_low = {0};
            int row = (span.first + start) % capacity;
            for (int k = start; k < span.count && k < start + TAPS_EXACT; k++) {
                const Lanes *from = (const Lanes *)(ring + row * stride + x);
                l += high[k] * from[0];
                r += high[k] * from[1];
                l_low += low[k] * from[0];
                r_low += low[k] * from[1];
                row = row + 1 == capacity ? 0 : row + 1;
            }
            const int32_t unit = 1 << LOW_BITS;
            left += __builtin_convertvector(l, Whole) * unit + __builtin_convertvector(l_low, Whole);
            right += __builtin_convertvector(r, Whole) * unit + __builtin_convertvector(r_low, Whole);
        }
        store_levels(out + x, &left);
        store_levels(out + x + ROWS, &right);
    }
}

WIDE static void to_floats(const uint8_t *restrict in, float *restrict out, int count) {
    for (int i = 0; i < count; i++)
        out[i] = in[i];
}

WIDE static void to_bytes(const float *restrict in, uint8_t *restrict out, int count) {
    for (int i = 0; i < count; i++)
        out[i] = (uint8_t)(int32_t)in[i];
}

/* Between [rows][columns] and [columns][rows], both multiples of 4. */
static void transpose(const float *from, size_t from_row, float *to, size_t to_row, size_t rows, size_t columns) {
    for (size_t j = 0; j < columns; j += 4)
        for (size_t i = 0; i < rows; i += 4)
            transpose_four(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
}

static size_t pad_row(size_t n) {
    return (n + 2 * ROWS - 1) / (2 * ROWS) * (2 * ROWS);
}

/* Eight rows pass through `lines` (as floats), `columns` (transposed) and `results` (resampled) into the ring, which
 * keeps the rows that output rows still need; one output row passes through `level`. */
typedef struct {
    size_t in, out; /* floats of a row, padded */
    int capacity;
    float *lines, *columns, *results, *ring, *level;
} Rows;

static Status rows_open(Rows *rows, int in, int out, int taps) {
    *rows = (Rows){.in = pad_row(3 * (size_t)in), .out = pad_row(3 * (size_t)out)};
    rows->capacity = (taps + 2 * ROWS - 1) / ROWS * ROWS; /* whole strips; the next one beside the taps in use */
    const size_t floats = 2 * ROWS * rows->in + ROWS * rows->out + (rows->capacity + 1) * rows->out;
    rows->lines = calloc(floats, sizeof(float));
    if (!rows->lines)
        return status_no_memory("resize_pixels' rows", floats * sizeof(float));
    rows->columns = rows->lines + ROWS * rows->in;
    rows->results = rows->columns + ROWS * rows->in;
    rows->ring = rows->results + ROWS * rows->out;
    rows->level = rows->ring + rows->capacity * rows->out;
    return NULL;
}

/* Resamples rows y .. y+7 of `from`, as far as there are, into the ring. */
static void rows_add(Rows *rows, const uint8_t *from, size_t stride, Crop crop, const Axis *across, int out_width,
                     int y) {
    for (int i = 0; i < ROWS && y + i < crop.height; i++)
        to_floats(from + (size_t)(y + i) * stride, rows->lines + i * rows->in, crop.width * 3);
    transpose(rows->lines, rows->in, rows->columns, ROWS, ROWS, rows->in);
    resample_across(rows->columns, across, rows->results, out_width);
    transpose(rows->results, ROWS, rows->ring + y % rows->capacity * rows->out, rows->out, rows->out, ROWS);
}

static void resample_image(const uint8_t *from, size_t stride, Crop crop, const Axis *across, const Axis *down,
                           Rows *rows, int out_height, int out_width, uint8_t *out) {
    int ready = 0; /* rows of the crop in the ring, or past it */
    for (int y = 0; y < out_height; y++) {
        const Span span = down->spans[y];
        for (; ready < span.first + span.count; ready += ROWS)
            rows_add(rows, from, stride, crop, across, out_width, ready);
        resample_down(rows->ring, rows->capacity, rows->out, span, down->high + (size_t)y * down->taps,
                      down->low + (size_t)y * down->taps, rows->level);
        to_bytes(rows->level, out + (size_t)y * out_width * 3, out_width * 3);
    }
}

static Status resize_part(const uint8_t *from, size_t stride, Crop crop, const Stretch *columns, const Stretch *lines,
                          int out_height, int out_width, uint8_t *out) {
    Axis across, down;
    TRY(axis_open(&across, columns, out_width, crop.flip));
    Status status = axis_open(&down, lines, out_height, false);
    if (!status) {
        Rows rows;
        status = rows_open(&rows, crop.width, out_width, down.taps);
        if (!status)
            resample_image(from, stride, crop, &across, &down, &rows, out_height, out_width, out);
        free(rows.lines);
        axis_close(&down);
    }
    axis_close(&across);
    return status;
}

Status resize_pixels(const uint8_t *pixels, int height, int width, Crop crop, int out_height, int out_width,
                     uint8_t *out) {
    if (out_height < 1 || out_width < 1 || crop.height < 1 || crop.width < 1 || crop.top < 0 || crop.left < 0 ||
        crop.height > height - crop.top || crop.width > width - crop.left)
        return status_error(EXIT_INTERNAL,
                            "resize_pixels: the crop of %d x %d pixels at row %d, column %d is not inside the "
                            "image of %d x %d, or cannot become %d x %d",
                            crop.height, crop.width, crop.top, crop.left, height, width, out_height, out_width);
    const size_t stride = (size_t)width * 3;
    const uint8_t *from = pixels + (size_t)crop.top * stride + (size_t)crop.left * 3;
    if (crop.height == out_height && crop.width == out_width && !crop.flip) {
        for (int y = 0; y < out_height; y++)
            memcpy(out + (size_t)y * out_width * 3, from + y * stride, (size_t)out_width * 3);
        return NULL;
    }
    /* An axis of equal size, or only mirrored, has weights 1 and 0: the values pass unchanged. */
    const Stretch across = stretch_whole(crop.width), down = stretch_whole(crop.height);
    return resize_part(from, stride, crop, &across, &down, out_height, out_width, out);
}

static Stretch stretch_of(double start, double length, int pixels) {
    const int first = (int)floor(start), end = (int)ceil(start + length);
    const int low = first < 0 ? -first : 0, high = end > pixels ? pixels - first : end - first;
    return (Stretch){start - first, length, end - first, low, high};
}

Status resize_box(const uint8_t *pixels, int height, int width, Box box, int out_height, int out_width, uint8_t *out) {
    const double max_side = 1 << 20; /* sums of pixels and of their weights fit into their types */
    if (out_height < 1 || out_width < 1 || height < 1 || width < 1 || !(fabs(box.top) <= max_side) ||
        !(fabs(box.left) <= max_side) || !(box.height > 0 && box.height <= max_side) ||
        !(box.width > 0 && box.width <= max_side))
        return status_error(EXIT_INTERNAL,
                            "resize_box: the box of %g x %g pixels at row %g, column %g of an image of %d x %d cannot "
                            "become %d x %d",
                            box.height, box.width, box.top, box.left, height, width, out_height, out_width);
    const Stretch across = stretch_of(box.left, box.width, width), down = stretch_of(box.top, box.height, height);
    if (across.low >= across.high || down.low >= down.high) {
        memset(out, 0, (size_t)out_height * out_width * 3);
        return NULL;
    }
    const Crop crop = {.top = (int)floor(box.top) + down.low,
                       .left = (int)floor(box.left) + across.low,
                       .height = down.high - down.low,
                       .width = across.high - across.low};
    const size_t stride = (size_t)width * 3;
    return resize_part(pixels + (size_t)crop.top * stride + (size_t)crop.left * 3, stride, crop, &across, &down,
                       out_height, out_width, out);
}
