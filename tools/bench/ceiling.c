/* ceiling [--backend cpu|emu|cuda]
 *
 * What a large BF16 product and a copy reach on the device, by its own clock: the ceilings that a comparison's figures
 * are held against. Prints one JSON object. */
#include "device.h"
#include "ops.h"
#include "random.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20, SIDE = 8192, SIDE_WITHOUT_GPU = 256 };

typedef struct {
    const Device *device;
    Ops ops;
    Event *marks[2];
    char *memory;
    int side;
    size_t bytes;
    double product, copy; /* seconds, the least */
} Ceiling;

static Status time_one(Ceiling *c, bool product) {
    const Device *device = c->device;
    double seconds;
    TRY(device->event_record(device, c->marks[0], NULL));
    if (product)
        c->ops.linear_forward(&c->ops, c->memory, c->memory + c->bytes, NULL, ACTIVATION_NONE, NULL,
                              c->memory + 2 * c->bytes, c->side, c->side, c->side);
    else
        TRY(device->copy(device, NULL, c->memory + 2 * c->bytes, c->memory, c->bytes, COPY_ON_DEVICE));
    TRY(ops_error(&c->ops));
    TRY(device->event_record(device, c->marks[1], NULL));
    TRY(device->wait(device, NULL));
    TRY(device->event_seconds(device, c->marks[0], c->marks[1], &seconds));
    double *least = product ? &c->product : &c->copy;
    *least = *least == 0 || seconds < *least ? seconds : *least;
    return NULL;
}

/* Random numbers: on zeros a product draws less power and runs faster than any that is of use. */
static Status fill_random(const Ceiling *c) {
    uint16_t *values = malloc(2 * c->bytes);
    if (!values)
        return status_no_memory("the product's factors", 2 * c->bytes);
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 1);
    for (size_t i = 0; i < c->bytes; i++) /* BF16 of size 1 to 2, sign and mantissa random */
        values[i] = (uint16_t)(0x3f80 | (random_u32(&random) & 0x807f));
    Status status = device_write(c->device, c->memory, values, 2 * c->bytes);
    free(values);
    return status;
}

static Status measure(Ceiling *c) {
    void *memory;
    TRY(c->device->event_open(c->device, &c->marks[0]));
    TRY(c->device->event_open(c->device, &c->marks[1]));
    TRY(c->device->allocate(c->device, 3 * c->bytes, "the product", &memory));
    c->memory = memory;
    TRY(fill_random(c));
    for (int i = 0; i < 2 * ROUNDS; i++)
        TRY(time_one(c, i < ROUNDS));
    const double n = c->side;
    printf("{\"product_side\": %d, \"product_tflop_per_s\": %.6g, \"copy_gb_per_s\": %.6g}\n", c->side,
           2 * n * n * n / c->product / 1e12, 2 * (double)c->bytes / c->copy / 1e9);
    return NULL;
}

static Status run(const Device *device) {
    Ceiling c = {.device = device, .side = strcmp(device->name, "cuda") == 0 ? SIDE : SIDE_WITHOUT_GPU};
    c.bytes = (size_t)c.side * (size_t)c.side * sizeof(uint16_t);
    device->operations(device, 1, &c.ops);
    c.ops.type = REAL_BF16;
    Status status = measure(&c);
    device->event_close(device, c.marks[0]);
    device->event_close(device, c.marks[1]);
    device->release(device, c.memory);
    return status;
}

static Status parse(int count, char **arguments, DeviceKind *kind) {
    static const char *const names[] = {"cpu", "cuda", "emu"};
    static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_CUDA, DEVICE_EMU};
    *kind = DEVICE_CPU;
    if (count == 1)
        return NULL;
    for (int i = 0; i < 3; i++)
        if (count == 3 && strcmp(arguments[1], "--backend") == 0 && strcmp(arguments[2], names[i]) == 0) {
            *kind = kinds[i];
            return NULL;
        }
    return status_error(EXIT_USAGE, "usage: ceiling [--backend cpu|emu|cuda]");
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    DeviceKind kind;
    Device *device = NULL;
    char *note = NULL;
    Status status = parse(count, arguments, &kind);
    if (!status)
        status = device_open(kind, &device, &note);
    if (!status)
        status = run(device);
    free(note);
    device_close(device);
    if (status)
        fprintf(stderr, "ceiling: %s\n", status_message(status));
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
