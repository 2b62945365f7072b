/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *check_allocate(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) {
        fputs("checkops: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void check_once(Check *check) {
    check->rounds = 1;
}

int check_between(Check *check, int low, int high) {
    return low + (int)random_below(&check->random, (uint32_t)(high - low + 1));
}

bool check_coin(Check *check) {
    return random_below(&check->random, 2);
}

void check_shape(Check *check, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->shape, sizeof check->shape, format, arguments);
    va_end(arguments);
}

void check_fail(Check *check, const char *format, ...) {
    if (check->failed)
        return;
    check->failed = true;
    char text[320], label[80];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check_label(check, label, sizeof label);
    snprintf(check->why, sizeof check->why, "round %d, %s: %s%s%s", check->round, check->shape, label,
             *label ? ": " : "", text);
}

static void *add_buffer(Check *check, Buffer buffer) {
    if (check->buffer_count == CHECK_BUFFERS) {
        fputs("checkops: raise CHECK_BUFFERS\n", stderr);
        abort();
    }
    buffer.bound[REAL_FP32] = 1e-5;
    buffer.bound[REAL_BF16] = 0x1p-8;
    buffer.data = check_allocate(buffer.count * buffer.size);
    buffer.first = check_allocate(buffer.count * buffer.size);
    memset(buffer.data, 0, buffer.count * buffer.size);
    check->buffers[check->buffer_count++] = buffer;
    return buffer.data;
}

void *check_buffer(Check *check, const char *name, BufferKind kind, BufferType type, size_t count) {
    static const size_t sizes[] = {[BUFFER_REAL] = sizeof(float),
                                   [BUFFER_FLOAT] = sizeof(float),
                                   [BUFFER_DOUBLE] = sizeof(double),
                                   [BUFFER_BF16] = sizeof(uint16_t),
                                   [BUFFER_BYTES] = 1};
    return add_buffer(check, (Buffer){.name = name, .kind = kind, .type = type, .count = count, .size = sizes[type]});
}

void *check_bytes(Check *check, const char *name, BufferKind kind, size_t count, size_t size) {
    return add_buffer(check, (Buffer){.name = name, .kind = kind, .type = BUFFER_BYTES, .count = count, .size = size});
}

static float *draw_normal(Check *check, float *x, size_t count, double deviation) {
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(deviation * random_normal(&check->random));
    return x;
}

float *check_reals(Check *check, const char *name, BufferKind kind, size_t count, double deviation) {
    return draw_normal(check, check_buffer(check, name, kind, BUFFER_REAL, count), count, deviation);
}

float *check_floats(Check *check, const char *name, BufferKind kind, size_t count, double deviation) {
    return draw_normal(check, check_buffer(check, name, kind, BUFFER_FLOAT, count), count, deviation);
}

float *check_real_output(Check *check, const char *name, size_t count) {
    return check_buffer(check, name, BUFFER_OUTPUT, BUFFER_REAL, count);
}

float *check_float_output(Check *check, const char *name, size_t count) {
    return check_buffer(check, name, BUFFER_OUTPUT, BUFFER_FLOAT, count);
}

void check_tolerance(Check *check, const void *data, double fp32, double bf16) {
    for (int i = 0; i < check->buffer_count; i++) {
        Buffer *b = &check->buffers[i];
        if (b->data == data) {
            b->bound[REAL_FP32] = fmax(b->bound[REAL_FP32], fp32);
            b->bound[REAL_BF16] = fmax(b->bound[REAL_BF16], bf16);
        }
    }
}

void check_own_comparison(Check *check, const void *data) {
    for (int i = 0; i < check->buffer_count; i++)
        check->buffers[i].own_comparison |= check->buffers[i].data == data;
}

int32_t *check_ids(Check *check, int batch, int patches) {
    int32_t *ids = check_bytes(check, "ids", BUFFER_INPUT, (size_t)batch * patches, sizeof *ids);
    for (int b = 0; b < batch; b++)
        for (int i = 0; i < patches; i++) {
            int32_t *row = ids + (size_t)b * patches;
            int j = check_between(check, 0, i);
            row[i] = row[j];
            row[j] = i;
        }
    return ids;
}

double *check_numbers(Check *check, size_t count) {
    if (check->scratch_count == CHECK_BUFFERS) {
        fputs("checkops: raise CHECK_BUFFERS\n", stderr);
        abort();
    }
    double *numbers = check_allocate(count * sizeof *numbers);
    check->scratch[check->scratch_count++] = numbers;
    for (size_t i = 0; i < count; i++)
        numbers[i] = 0;
    return numbers;
}

double *check_copy(Check *check, const float *x, size_t count) {
    double *numbers = check_numbers(check, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = x[i];
    return numbers;
}

void check_bounds(Check *check, const char *what, const float *got, const double *want, const double *bound,
                  size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= bound[i])) {
            check_fail(check, "%s[%zu] is %.9g, not %.9g within %.2g", what, i, got[i], want[i], bound[i]);
            return;
        }
}

void check_near(Check *check, const char *what, const float *got, const double *want, double relative, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= relative * largest)) {
            check_fail(check, "%s[%zu] is %.9g, not %.9g within %.2g", what, i, got[i], want[i], relative * largest);
            return;
        }
}

void check_scalar(Check *check, const char *what, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound))
        check_fail(check, "%s is %.12g, not %.12g within %.2g", what, got, want, bound);
}

void check_slopes(Check *check, const char *what, const float *gradient, double *at, size_t count, LossFunction loss,
                  const void *context) {
    const double step = 1e-4;
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabsf(gradient[i]) > largest)
            largest = fabsf(gradient[i]);
    for (int n = 0; n < 12 && count && !check->failed; n++) {
        size_t i = random_below(&check->random, (uint32_t)count);
        const double middle = at[i];
        at[i] = middle + step;
        double above = loss(context);
        at[i] = middle - step;
        double below = loss(context);
        at[i] = middle;
        double slope = (above - below) / (2 * step), bound = 2e-5 * largest + 1e-7;
        if (!(fabs(slope - gradient[i]) <= bound))
            check_fail(check, "%s[%zu] is %.9g, but differences give %.9g (within %.2g)", what, i, gradient[i], slope,
                       bound);
    }
}

double check_dot(const double *x, const float *y, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

void check_free(Check *check) {
    for (int i = 0; i < check->buffer_count; i++) {
        Buffer *b = &check->buffers[i];
        free(b->data);
        free(b->first);
        for (int g = 0; g < GROUPS; g++)
            free(b->results[g]);
    }
    for (int i = 0; i < check->scratch_count; i++)
        free(check->scratch[i]);
    check->buffer_count = check->scratch_count = 0;
}
