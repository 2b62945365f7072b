/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/bench.h"
#include "device/open.h"
#include "tests/checkops/checkops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bytes of a pool: what the largest shapes of the list take. */
static const size_t host_pool = (size_t)64 << 20, device_pool = (size_t)512 << 20;

enum { ROWS = 168 * 196 * 36 /* of ids */, BATCHES = 9, WARM = 3 };

static bool report_status(Status status) {
    if (status)
        fprintf(stderr, "checkops: %s\n", status_message(status));
    const bool well = !status;
    status_free(status);
    return well;
}

static bool take_memory(const Device *device, void **memory, const void *from, size_t bytes) {
    return report_status(device->allocate(device, bytes, "the benchmarks", memory)) &&
           (!from || report_status(device_write(device, *memory, from, bytes)));
}

/* Numbers that are small, sane and varied both as floats and as BF16: each half of a float is a BF16 of its own. */
static bool fill_pools(const Device *device, Bed *bed, size_t size) {
    enum { CHUNK = 1 << 20 };
    static uint16_t chunk[CHUNK];
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int p = 0; p < POOLS; p++) {
        for (int i = 0; i < CHUNK; i++) {
            const float value = random_uniform(&random) - (p == POOLS - 1 ? 0 : 0.5f);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            chunk[i] = (uint16_t)(bits >> 16);
        }
        if (!take_memory(device, &bed->pool[p], NULL, size))
            return false;
        for (size_t done = 0; done < size; done += sizeof chunk)
            if (!report_status(device_write(device, (char *)bed->pool[p] + done, chunk, sizeof chunk)))
                return false;
    }
    return true;
}

static bool fill_lists(const Device *device, Bed *bed) {
    static int32_t lists[LISTS][ROWS];
    static float labels[ROWS];
    static const int patches[LISTS] = {36, 196};
    for (int l = 0; l < LISTS; l++) {
        for (int i = 0; i < ROWS; i++)
            lists[l][i] = (i / patches[l] + i * 5) % patches[l];
        if (!take_memory(device, (void **)&bed->ids[l], lists[l], sizeof lists[l]))
            return false;
    }
    for (int i = 0; i < ROWS; i++)
        labels[i] = (float)lists[LISTS - 1][i];
    const double known = ROWS;
    return take_memory(device, (void **)&bed->labels, labels, sizeof labels) &&
           take_memory(device, (void **)&bed->known, &known, sizeof known);
}

static bool fill_bed(const Device *device, Bed *bed, size_t size) {
    const size_t count = (size_t)168 * 224 * 224 * 3;
    uint8_t *bytes = check_allocate(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
    const AdamwValues values = {.lr = 1e-4f,
                                .weight1 = 0.1f,
                                .weight2 = 0.05f,
                                .eps = 1e-8f,
                                .weight_decay = 0.05f,
                                .bias1 = 1,
                                .bias2 = 1,
                                .clip = 1};
    const float norm = 2;
    const Fp8Scale scales[2] = {{.scale = 1, .inverse = 1, .format = FP8_E4M3},
                                {.scale = 1, .inverse = 1, .format = FP8_E5M2}};
    const bool complete = take_memory(device, (void **)&bed->bytes, bytes, count) && fill_pools(device, bed, size) &&
                          fill_lists(device, bed) &&
                          take_memory(device, (void **)&bed->segment, NULL, sizeof *bed->segment) &&
                          take_memory(device, (void **)&bed->values, &values, sizeof values) &&
                          take_memory(device, (void **)&bed->norm, &norm, sizeof norm) &&
                          take_memory(device, &bed->result, NULL, sizeof(TensorSummary)) &&
                          take_memory(device, (void **)&bed->scale[0], &scales[0], sizeof *scales) &&
                          take_memory(device, (void **)&bed->scale[1], &scales[1], sizeof *scales);
    free(bytes);
    return complete;
}

static void empty_bed(const Device *device, Bed *bed) {
    for (int p = 0; p < POOLS; p++)
        device->release(device, bed->pool[p]);
    for (int l = 0; l < LISTS; l++)
        device->release(device, bed->ids[l]);
    void *const others[] = {bed->bytes, bed->segment, bed->values,   bed->norm,    bed->labels,
                            bed->known, bed->result,  bed->scale[0], bed->scale[1]};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        device->release(device, others[i]);
}

/* What is timed: an operation, or a copy on the device. */
typedef struct {
    const Device *device;
    Bed *bed;
    const Bench *bench; /* NULL: a copy of `size` bytes */
    size_t size;
    OpCost cost; /* of the last call */
} Timed;

static bool call_once(Timed *t) {
    if (!t->bench)
        return report_status(
            t->device->copy(t->device, NULL, t->bed->pool[4], t->bed->pool[0], t->size, COPY_ON_DEVICE));
    t->cost = t->bench->call(t->bed, t->bench->n);
    return report_status(ops_error(&t->bed->ops));
}

/* With one thread the process's own time, which other work on the machine does not lengthen. */
static double read_clock(int threads) {
    struct timespec time;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds on the CPU: the fastest of the runs of a tenth of a second, since other work on the machine only adds. */
static double measure_host(Timed *t) {
    const int threads = t->bed->ops.threads;
    const double start = read_clock(threads);
    double fastest = 1e9, end = start;
    for (int count = 0; count < 5 || end - start < 0.1; count++) {
        const double begin = read_clock(threads);
        if (!call_once(t))
            return -1;
        end = read_clock(threads);
        fastest = end - begin < fastest ? end - begin : fastest;
    }
    return fastest;
}

/* Seconds of `calls` calls between two events. */
static double measure_batch(Timed *t, Event *from, Event *to, int calls) {
    double seconds = -1;
    bool well = report_status(t->device->event_record(t->device, from, NULL));
    for (int i = 0; i < calls && well; i++)
        well = call_once(t);
    well = well && report_status(t->device->event_record(t->device, to, NULL)) &&
           report_status(t->device->event_wait(t->device, to)) && report_status(t->device->wait(t->device, NULL)) &&
           report_status(t->device->event_seconds(t->device, from, to, &seconds));
    return well ? seconds : -1;
}

static int compare_ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Seconds on a device: after a few calls to warm up, the median of batches long enough for the events' resolution. */
static double measure_device(Timed *t) {
    Event *from = NULL, *to = NULL;
    double times[BATCHES], median = -1;
    if (report_status(t->device->event_open(t->device, &from)) &&
        report_status(t->device->event_open(t->device, &to))) {
        const double warm = measure_batch(t, from, to, WARM) / WARM;
        const int calls = warm > 0 && warm < 2e-3 ? (int)(2e-3 / warm) + 1 : 1;
        bool well = warm >= 0;
        for (int i = 0; i < BATCHES && well; i++) {
            times[i] = measure_batch(t, from, to, calls) / calls;
            well = times[i] >= 0;
        }
        qsort(times, well ? BATCHES : 0, sizeof *times, compare_ascending);
        median = well ? times[BATCHES / 2] : -1;
    }
    t->device->event_close(t->device, from);
    t->device->event_close(t->device, to);
    return median;
}

static double measure_seconds(Timed *t) {
    return t->device->host_memory ? measure_host(t) : measure_device(t);
}

/* One line; `copy` is what a copy moves in a second. Seconds, or below 0 after a failure. */
static double time_one(Timed *t, double copy) {
    const Bench *b = t->bench;
    const RealType type = t->bed->ops.type;
    const AdamwSegment segment = {.count = b->n[0], .lr_scale = 1, .decay = DECAY_ZERO};
    if (!report_status(device_write(t->device, t->bed->segment, &segment, sizeof segment)))
        return -1;
    const double seconds = measure_seconds(t);
    if (seconds <= 0)
        return -1;
    const double rate = t->cost.bytes / seconds;
    printf("%-22s %s %9d %5d %5d %5d %10.1f us %8.1f GB/s %4.0f %% of a copy", b->name,
           type == REAL_BF16 ? "bf16" : "fp32", b->n[0], b->n[1], b->n[2], b->n[3], seconds * 1e6, rate * 1e-9,
           100 * rate / copy);
    if (t->cost.flops > 0)
        printf(" %9.1f GFLOP/s", t->cost.flops / seconds * 1e-9);
    putchar('\n');
    return seconds;
}

static bool time_all(const Device *device, Bed *bed, size_t size, const char *only) {
    Timed t = {.device = device, .bed = bed, .size = size};
    const double seconds = measure_seconds(&t), copy = 2 * (double)size / seconds;
    if (seconds <= 0)
        return false;
    printf("%s%s%s: a copy moves %.1f GB/s, reads and writes\n", device->name, *device->model ? ", " : "",
           device->model, copy * 1e-9);
    double step = 0;
    for (RealType type = REAL_FP32; type <= REAL_BF16; type++) {
        bed->ops.type = type;
        for (int i = 0; i < bench_count; i++) {
            t.bench = &benches[i];
            const bool host = !strcmp(t.bench->name, "resize_pixels"); /* once, and not on a device */
            const bool fp8 = strncmp(t.bench->name, "linear_", 7) == 0 && strstr(t.bench->name, "_fp8");
            if ((only && strcmp(only, t.bench->name)) || (device->host_memory ? t.bench->large : host) ||
                (host && type == REAL_BF16) || (fp8 && type == REAL_FP32)) /* its products are BF16 */
                continue;
            const double took = time_one(&t, copy);
            if (took < 0)
                return false;
            step += type == REAL_FP32 ? took * t.bench->times : 0;
        }
    }
    if (!only)
        printf("ViT-Tiny MAE, 96 px, batch 64, fp32, %d threads: %.1f ms of operations a step, %.0f images/s\n",
               bed->ops.threads, step * 1e3, 64 / step);
    return true;
}

int bench(const char *backend, int threads, const char *only) {
    if (backend && !strcmp(backend, "emu")) {
        fputs("checkops: --bench on emu would time the emulator; --backend cuda times a GPU\n", stderr);
        return EXIT_USAGE;
    }
    const bool cuda = backend && !strcmp(backend, "cuda");
    if (backend && !cuda && strcmp(backend, "cpu")) {
        fprintf(stderr, "checkops: no backend named %s: cpu or cuda\n", backend);
        return EXIT_USAGE;
    }
    Device *opened = NULL;
    char *note = NULL;
    Status status = device_open(cuda ? DEVICE_CUDA : DEVICE_CPU, &opened, &note);
    free(note);
    if (status) {
        const int code = status_code(status);
        report_status(status);
        return code;
    }
    const size_t size = opened->host_memory ? host_pool : device_pool;
    Bed bed = {0};
    const bool well = fill_bed(opened, &bed, size);
    opened->operations(opened, threads, &bed.ops);
    const bool done = well && time_all(opened, &bed, size, only);
    empty_bed(opened, &bed);
    device_close(opened);
    return done ? 0 : EXIT_INTERNAL;
}
