/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/ceilings.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { REPEATS = 5, MIN_SIDE = 256, MAX_SIDE = 8192, SHARE = 8 };
static const size_t MIN_COPY = (size_t)16 << 20, MAX_COPY = (size_t)512 << 20;
static const double LONG_ENOUGH = 5e-3; /* seconds */

typedef struct {
    Ops *ops;
    const Device *device;
    Event *from, *to;
    size_t budget;   /* bytes that a measurement may take */
    void *memory[3]; /* two to read, one to write */
} Bench;

/* What is timed, of one size. */
typedef Status (*Work)(const Bench *bench, size_t size);

/* On as many threads as the operations take: one alone does not use all of the CPU's memory. */
static void copy_on_host(const Bench *bench, size_t size) {
    const int threads = bench->ops->threads;
    const size_t share = size / (size_t)threads;
    uint8_t *to = bench->memory[2];
    const uint8_t *from = bench->memory[0];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = 0; i < threads; i++)
        memcpy(to + (size_t)i * share, from + (size_t)i * share, i + 1 < threads ? share : size - (size_t)i * share);
}

static Status copy_block(const Bench *bench, size_t size) {
    if (bench->device->host_memory) {
        copy_on_host(bench, size);
        return NULL;
    }
    return bench->device->copy(bench->device, NULL, bench->memory[2], bench->memory[0], size, COPY_ON_DEVICE);
}

static Status multiply_square(const Bench *bench, size_t size) {
    const int n = (int)size;
    bench->ops->linear_forward(
        bench->ops,
        &(LinearForward){
            .x = bench->memory[0], .w = bench->memory[1], .y = bench->memory[2], .rows = n, .in = n, .out = n});
    return ops_error(bench->ops);
}

static Status time_once(const Bench *bench, Work work, size_t size, double *seconds) {
    const Device *device = bench->device;
    TRY(device->event_record(device, bench->from, NULL));
    TRY(work(bench, size));
    TRY(device->event_record(device, bench->to, NULL));
    TRY(device->wait(device, NULL));
    return device->event_seconds(device, bench->from, bench->to, seconds);
}

/* The fastest run, since other work on the machine only adds time. The first run warms up and is not counted. */
static Status time_fastest(const Bench *bench, Work work, size_t size, double *seconds) {
    *seconds = 0;
    for (int i = 0; i <= REPEATS; i++) {
        double took;
        TRY(time_once(bench, work, size, &took));
        if (i == 1 || (i > 1 && took < *seconds))
            *seconds = took;
    }
    return NULL;
}

/* Numbers that are small, sane and varied as floats and as BF16: each half of a float is a BF16 of its own. Zeros would
 * be faster on a GPU. */
static Status fill_numbers(const Bench *bench, void *memory, size_t size) {
    enum { CHUNK = 1 << 18 };
    uint16_t *chunk = malloc(CHUNK * sizeof *chunk);
    if (!chunk)
        return status_no_memory("numbers to time with", CHUNK * sizeof *chunk);
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int i = 0; i < CHUNK; i++) {
        const union {
            float value;
            uint32_t bits;
        } number = {.value = random_uniform(&random) - 0.5f};
        chunk[i] = (uint16_t)(number.bits >> 16);
    }
    Status status = NULL;
    for (size_t done = 0; done < size && !status; done += CHUNK * sizeof *chunk) {
        const size_t left = size - done;
        status = device_write(bench->device, (char *)memory + done, chunk,
                              left < CHUNK * sizeof *chunk ? left : CHUNK * sizeof *chunk);
    }
    free(chunk);
    return status;
}

static void release_memory(Bench *bench) {
    for (int i = 0; i < 3; i++) {
        bench->device->release(bench->device, bench->memory[i]);
        bench->memory[i] = NULL;
    }
}

static Status take_memory(Bench *bench, size_t bytes) {
    for (int i = 0; i < 3; i++)
        TRY(bench->device->allocate(bench->device, bytes, "measuring the device's peaks", &bench->memory[i]));
    TRY(fill_numbers(bench, bench->memory[0], bytes));
    return fill_numbers(bench, bench->memory[1], bytes);
}

/* Doubles *size, of which one tensor has `bytes_of` bytes, from the least on. */
static Status measure_growing(Bench *bench, Work work, size_t (*bytes_of)(const Bench *, size_t), size_t least,
                              size_t most, size_t *size, double *seconds) {
    for (*size = least;; *size *= 2) {
        Status status = take_memory(bench, bytes_of(bench, *size));
        if (!status)
            status = time_fastest(bench, work, *size, seconds);
        release_memory(bench);
        if (status)
            return status;
        if (*seconds >= LONG_ENOUGH || 2 * *size > most || 3 * bytes_of(bench, 2 * *size) > bench->budget)
            return NULL;
    }
}

static size_t copy_bytes(const Bench *bench, size_t size) {
    (void)bench;
    return size;
}

static size_t product_bytes(const Bench *bench, size_t side) {
    return side * side * real_size(bench->ops->type);
}

static Status measure_ceilings(Bench *bench, Ceilings *ceilings, CeilingSizes *sizes) {
    const Device *device = bench->device;
    size_t unused, total, side;
    double seconds = 0;
    TRY(device->memory(device, &unused, &total));
    bench->budget = unused / SHARE;
    TRY(device->event_open(device, &bench->from));
    TRY(device->event_open(device, &bench->to));
    const size_t least = bench->budget / 3 < MIN_COPY ? bench->budget / 3 : MIN_COPY;
    TRY(measure_growing(bench, copy_block, copy_bytes, least, MAX_COPY, &sizes->copy, &seconds));
    ceilings->copy = 2 * (double)sizes->copy / seconds;
    TRY(measure_growing(bench, multiply_square, product_bytes, MIN_SIDE, MAX_SIDE, &side, &seconds));
    ceilings->product = 2 * (double)side * (double)side * (double)side / seconds;
    sizes->product = (int)side;
    return NULL;
}

Status ceilings_measure(Ops *ops, Ceilings *ceilings, CeilingSizes *sizes) {
    Bench bench = {.ops = ops, .device = ops->device};
    Status status = measure_ceilings(&bench, ceilings, sizes);
    release_memory(&bench);
    bench.device->event_close(bench.device, bench.from);
    bench.device->event_close(bench.device, bench.to);
    return status;
}
