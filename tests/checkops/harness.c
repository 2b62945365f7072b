#include "checkops.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 256, GUARD_BYTE = 0xa5, POISON_BYTE = 0xff /* a float or double of these is NaN */ };

static void *allocate(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) {
        fputs("checkops: out of memory\n", stderr);
        abort();
    }
    return memory;
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
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(check->why, sizeof check->why, "round %d, %s: %s", check->round, check->shape, text);
}

void *check_buffer(Check *check, const char *name, BufferKind kind, size_t count, size_t size) {
    if (check->buffer_count == CHECK_BUFFERS) {
        fputs("checkops: raise CHECK_BUFFERS\n", stderr);
        abort();
    }
    Buffer *b = &check->buffers[check->buffer_count++];
    size_t shift = size * random_below(&check->random, 8);
    *b = (Buffer){.name = name, .kind = kind, .bytes = count * size, .block_bytes = count * size + 2 * GUARD + shift};
    b->block = allocate(b->block_bytes);
    memset(b->block, GUARD_BYTE, b->block_bytes);
    b->data = b->block + GUARD + shift;
    b->first = allocate(b->bytes);
    b->result = allocate(b->bytes);
    return b->data;
}

float *check_normal(Check *check, const char *name, BufferKind kind, size_t count, double deviation) {
    float *x = check_buffer(check, name, kind, count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(deviation * random_normal(&check->random));
    return x;
}

float *check_output(Check *check, const char *name, size_t count) {
    return check_buffer(check, name, BUFFER_OUTPUT, count, sizeof(float));
}

int32_t *check_ids(Check *check, int batch, int patches) {
    int32_t *ids = check_buffer(check, "ids", BUFFER_INPUT, (size_t)batch * patches, sizeof *ids);
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
    double *numbers = allocate(count * sizeof *numbers);
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

static void prepare(Check *check) {
    check->ops.threads = check->run + 1;
    for (int i = 0; i < check->buffer_count; i++) {
        Buffer *b = &check->buffers[i];
        if (b->kind == BUFFER_OUTPUT)
            memset(b->data, POISON_BYTE, b->bytes);
        else
            memcpy(b->data, b->first, b->bytes);
    }
}

void check_start(Check *check) {
    check->run = 0;
    for (int i = 0; i < check->buffer_count; i++)
        memcpy(check->buffers[i].first, check->buffers[i].data, check->buffers[i].bytes);
}

bool check_more(Check *check) {
    if (check->run == 3 || check->failed)
        return false;
    prepare(check);
    return true;
}

static void inspect(Check *check, Buffer *b) {
    for (size_t i = 0; i < b->block_bytes; i++) {
        unsigned char *at = b->block + i;
        if ((at < b->data || at >= b->data + b->bytes) && *at != GUARD_BYTE) {
            check_fail(check, "%d threads: wrote outside %s, %td bytes from its start of %zu", check->run + 1, b->name,
                       at - b->data, b->bytes);
            return;
        }
    }
    if (b->kind == BUFFER_INPUT && memcmp(b->data, b->first, b->bytes))
        check_fail(check, "%d threads: changed its input %s", check->run + 1, b->name);
    if (check->run == 0)
        memcpy(b->result, b->data, b->bytes);
    else if (memcmp(b->data, b->result, b->bytes))
        check_fail(check, "%s differs between 1 and %d threads", b->name, check->run + 1);
}

void check_next(Check *check) {
    Status status = ops_error(&check->ops);
    if (status)
        check_fail(check, "%d threads: %s", check->run + 1, status_message(status));
    status_free(status);
    for (int i = 0; i < check->buffer_count; i++)
        inspect(check, &check->buffers[i]);
    check->run++;
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
