/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every way to run an operation. A group is one backend and type; its runs must give the same bits, and its first is
 * compared with another group: a device with the CPU, and the CPU's BF16 with FP32 in steps (steps.c) from the
 * same inputs, which then are BF16 values. */
typedef struct {
    BackendName backend;
    RealType type;
    bool rounded; /* Real inputs are rounded to BF16 */
    int runs;
    int threads[3];
    int against; /* a group; -1: the check's own reference */
} Group;

static const Group groups[GROUPS] = {
    {BACKEND_CPU, REAL_FP32, false, 3, {1, 2, 3}, -1},  {BACKEND_CPU, REAL_FP32, true, 1, {2}, -1},
    {BACKEND_CPU, REAL_BF16, true, 2, {1, 3}, 1},       {BACKEND_EMU, REAL_FP32, false, EMU_ORDERS, {0}, 0},
    {BACKEND_EMU, REAL_BF16, true, EMU_ORDERS, {0}, 2}, {BACKEND_CUDA, REAL_FP32, false, 2, {0}, 0},
    {BACKEND_CUDA, REAL_BF16, true, 2, {0}, 2},
};

/* Bytes about a buffer. Of 0xff every float is NaN, what reads outside shows; the second pattern sees those written. */
enum { GUARD = 256, POISON = 0xff, OTHER_GUARD = 0xa5 };

static int guard_byte(const Check *check) {
    return check->variant % 2 ? OTHER_GUARD : POISON;
}

/* A CPU that the options exclude still runs once, for the comparison. */
static int runs_of(const Check *check, int group) {
    const Group *g = &groups[group];
    const Backend *backend = &check->backends->of[g->backend];
    if (!backend->device || (check->host_only && group) || (check->fp32_only && g->rounded) ||
        (check->cpu_fp32 && g->backend != BACKEND_CPU && g->type == REAL_FP32))
        return 0;
    bool real = g->type == REAL_FP32 && !g->rounded;
    for (int i = 0; i < check->buffer_count; i++)
        real |= check->buffers[i].type == BUFFER_REAL;
    return !real ? 0 : backend->wanted ? g->runs : 1;
}

void check_label(const Check *check, char *text, size_t size) {
    const int group = check->shown >= 0 ? check->shown : check->group;
    *text = '\0';
    if (group < 0)
        return;
    const Group *g = &groups[group];
    int used = snprintf(text, size, "%s %s%s", check->backends->of[g->backend].name,
                        g->type == REAL_BF16 ? "bf16" : "fp32", g->type == REAL_FP32 && g->rounded ? " rounded" : "");
    static const char *const ways[BACKENDS] = {", %d threads", ", order %d", ", run %d"};
    if (check->shown < 0)
        snprintf(text + used, size - used, ways[g->backend],
                 g->backend == BACKEND_CPU ? g->threads[check->variant] : check->variant + 1);
}

/* From what the check filled in to what a run of the group reads. */
static void encode_buffer(const Buffer *b, const Group *g, unsigned char *to) {
    if (b->type != BUFFER_REAL || !g->rounded) {
        memcpy(to, b->first, b->count * b->size);
        return;
    }
    const float *from = b->first;
    for (size_t i = 0; i < b->count; i++) {
        const uint16_t code = reference_bf16(from[i]);
        const float value = reference_from_bf16(code);
        if (g->type == REAL_BF16)
            memcpy(to + i * sizeof code, &code, sizeof code);
        else
            memcpy(to + i * sizeof value, &value, sizeof value);
    }
}

static void decode_buffer(const Buffer *b, const Group *g, const unsigned char *from) {
    if (b->type != BUFFER_REAL || g->type == REAL_FP32) {
        memcpy(b->data, from, b->count * b->size);
        return;
    }
    for (size_t i = 0; i < b->count; i++) {
        uint16_t code;
        memcpy(&code, from + i * sizeof code, sizeof code);
        ((float *)b->data)[i] = reference_from_bf16(code);
    }
}

/* True when the call went well. */
static bool note_status(Check *check, Status status) {
    if (status)
        check_fail(check, "%s", status_message(status));
    status_free(status);
    return !check->failed;
}

/* Lays out the buffer's block: elements on a multiple of 16 bytes of the device, of one element's size on the CPU,
 * where slices of larger tensors are passed. Now and then it ends where the elements end, for AddressSanitizer to see
 * reads beyond. */
static void place_buffer(Check *check, Buffer *b) {
    const Group *g = &groups[check->group];
    const Device *device = check->backends->of[g->backend].device;
    const size_t size = check_element_size(b, g->type);
    b->before = GUARD + (g->backend == BACKEND_CPU ? size : 16) * random_below(&check->places, 8);
    b->bytes = b->count * size;
    b->after = check->variant == 1 ? 0 : GUARD;
    const size_t total = b->before + b->bytes + b->after;
    b->image = check_allocate(total);
    memset(b->image, guard_byte(check), total);
    if (b->kind == BUFFER_OUTPUT)
        memset(b->image + b->before, POISON, b->bytes);
    else
        encode_buffer(b, g, b->image + b->before);
    void *block = NULL;
    if (note_status(check, device->allocate(device, total, b->name, &block)))
        note_status(check, device_write(device, block, b->image, total));
    b->block = block;
}

static void prepare_run(Check *check) {
    const Group *g = &groups[check->group];
    const Backend *backend = &check->backends->of[g->backend];
    for (int i = 0; i < check->buffer_count; i++)
        place_buffer(check, &check->buffers[i]);
    if (g->backend == BACKEND_EMU)
        backend_set_order(backend, check->variant);
    if (*backend->device->tuned_on)
        backend->device->autotune(backend->device, check->timed);
    backend->device->operations(backend->device, g->backend == BACKEND_CPU ? g->threads[check->variant] : 1,
                                &check->ops);
    check->ops.type = g->type;
    if (g->rounded && g->type == REAL_FP32)
        check_steps(&check->ops);
}

static void compare_runs(Check *check, const Buffer *b, const unsigned char *got, const unsigned char *first) {
    const size_t size = check_element_size(b, groups[check->group].type);
    for (size_t i = 0; i < b->count; i++)
        if (memcmp(got + i * size, first + i * size, size)) {
            check_fail(check, "%s[%zu] is not bit for bit what the first run gave", b->name, i);
            return;
        }
}

/* The run's block, read back: nothing written about the elements, inputs as they were, results as they should be. */
static void inspect_buffer(Check *check, Buffer *b, const unsigned char *block) {
    const Group *g = &groups[check->group];
    const size_t total = b->before + b->bytes + b->after;
    for (size_t i = 0; i < total; i++)
        if ((i < b->before || i >= b->before + b->bytes) && block[i] != guard_byte(check)) {
            check_fail(check, "wrote outside %s, %td bytes from its start of %zu", b->name,
                       (ptrdiff_t)i - (ptrdiff_t)b->before, b->bytes);
            return;
        }
    const unsigned char *got = block + b->before;
    if (b->kind == BUFFER_INPUT && memcmp(got, b->image + b->before, b->bytes))
        check_fail(check, "changed its input %s", b->name);
    if (check->variant) {
        compare_runs(check, b, got, b->results[check->group]);
        return;
    }
    b->results[check->group] = check_allocate(b->bytes);
    memcpy(b->results[check->group], got, b->bytes);
    if (g->against >= 0 && b->kind != BUFFER_INPUT)
        check_compare(check, b, got, g->type, b->results[g->against], groups[g->against].type);
}

static void finish_buffer(Check *check, Buffer *b) {
    const Device *device = check->backends->of[groups[check->group].backend].device;
    const size_t total = b->before + b->bytes + b->after;
    unsigned char *block = check_allocate(total);
    if (b->block && note_status(check, device_read(device, block, b->block, total)))
        inspect_buffer(check, b, block);
    device->release(device, b->block);
    free(b->image);
    free(block);
    b->block = b->image = NULL;
}

void check_start(Check *check) {
    check->group = check->variant = 0;
    for (int i = 0; i < check->buffer_count; i++) {
        Buffer *b = &check->buffers[i];
        memcpy(b->first, b->data, b->count * b->size);
        for (int g = 0; g < GROUPS; g++) {
            free(b->results[g]);
            b->results[g] = NULL;
        }
    }
    prepare_run(check);
}

/* Hands the check the results of a group. */
static void show_group(Check *check, int group) {
    for (int i = 0; i < check->buffer_count; i++) {
        Buffer *b = &check->buffers[i];
        if (b->results[group])
            decode_buffer(b, &groups[group], b->results[group]);
    }
}

bool check_more(Check *check) {
    if (check->group < GROUPS && !check->failed)
        return true;
    if (check->group < GROUPS) /* failed in prepare: nothing ran */
        for (int i = 0; i < check->buffer_count; i++)
            finish_buffer(check, &check->buffers[i]);
    check->group = -1;
    show_group(check, 0);
    return false;
}

void check_next(Check *check) {
    const Device *device = check->backends->of[groups[check->group].backend].device;
    if (note_status(check, ops_error(&check->ops)))
        note_status(check, device->wait(device, NULL));
    for (int i = 0; i < check->buffer_count; i++)
        finish_buffer(check, &check->buffers[i]);
    check->variant++;
    while (check->group < GROUPS && check->variant >= runs_of(check, check->group)) {
        check->group++;
        check->variant = 0;
    }
    if (check->group < GROUPS && !check->failed)
        prepare_run(check);
}

void *check_at(const Check *check, const void *data) {
    if (!data)
        return NULL;
    for (int i = 0; i < check->buffer_count; i++)
        if (check->buffers[i].data == data && check->buffers[i].block)
            return check->buffers[i].block + check->buffers[i].before;
    fprintf(stderr, "checkops: not a buffer: %p\n", data);
    abort();
}

void check_show(Check *check) {
    check->shown = -1;
}

bool check_showing(Check *check) {
    do
        check->shown++;
    while (check->shown < GROUPS && (check->failed || !runs_of(check, check->shown)));
    if (check->shown < GROUPS) {
        show_group(check, check->shown);
        return true;
    }
    check->shown = -1;
    show_group(check, 0);
    return false;
}

RealType check_type(const Check *check) {
    return groups[check->shown].type;
}
