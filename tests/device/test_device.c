/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, copies, streams, events, captured work and failures, on the CPU and on the emulated GPU, which does nothing
 * before it is waited for: what has not been ordered happens in the wrong order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/open.h"
#include "device/plugin.h"
#include "kernels/emu/control.h"
#include "ops/ops.h"
#include "tests/fixtures/check.h"

#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COUNT = 1000 };

static Device *opened(DeviceKind kind) {
    Device *device;
    char *note;
    assert_fine(device_open(kind, &device, &note));
    assert_null(note);
    return device;
}

static int open_cpu(void **state) {
    *state = opened(DEVICE_CPU);
    return 0;
}

static int open_emu(void **state) {
    *state = opened(DEVICE_EMU);
    return 0;
}

static int close_device(void **state) {
    device_close(*state);
    return 0;
}

static bool on_cpu(const Device *device) {
    return device->host_memory;
}

static void *allocated(const Device *device, size_t bytes) {
    void *memory;
    assert_fine(device->allocate(device, bytes, "a test", &memory));
    assert_int_equal((uintptr_t)memory % 256, 0);
    return memory;
}

/* Device memory with a copy of `from`. */
static void *placed(const Device *device, const void *from, size_t bytes) {
    void *memory = allocated(device, bytes);
    assert_fine(device_write(device, memory, from, bytes));
    return memory;
}

static void release_all(const Device *device, int count, void *const *memory) {
    for (int i = 0; i < count; i++)
        device->release(device, memory[i]);
}

/* Whether all of `count` bytes of device memory are `byte`. */
static bool holds(const Device *device, const void *memory, int byte, size_t count) {
    uint8_t *read = malloc(count);
    assert_non_null(read);
    assert_fine(device_read(device, read, memory, count));
    bool all = true;
    for (size_t i = 0; i < count; i++)
        all = all && read[i] == byte;
    free(read);
    return all;
}

static void the_device_says_what_it_is(void **state) {
    const Device *device = *state;
    size_t unused, total;
    assert_fine(device->memory(device, &unused, &total));
    assert_true(unused > 0 && unused <= total);
    assert_string_equal(device->name, on_cpu(device) ? "cpu" : "emu");
    assert_true(on_cpu(device) == (device->model[0] == '\0'));
    assert_int_equal(device->capability, on_cpu(device) ? 0 : 90);
    Ops ops;
    device->operations(device, 3, &ops);
    assert_string_equal(ops.name, device->name);
    assert_true(on_cpu(device) ? ops.device == device_cpu() : ops.device == device);
    assert_int_equal(ops.type, REAL_FP32);
    assert_int_equal(ops.threads, on_cpu(device) ? 3 : 1);
}

static void copies_arrive_whole(void **state) {
    const Device *device = *state;
    uint8_t from[COUNT], to[COUNT + 2];
    for (int i = 0; i < COUNT; i++)
        from[i] = (uint8_t)(i * 7);
    memset(to, 0xAA, sizeof to);
    uint8_t *x = placed(device, from, COUNT), *y = allocated(device, COUNT + 1);
    assert_fine(device->copy(device, NULL, y + 1, x, COUNT, COPY_ON_DEVICE));
    assert_fine(device_read(device, to + 1, y + 1, COUNT));
    assert_memory_equal(to + 1, from, COUNT);
    assert_true(to[0] == 0xAA && to[COUNT + 1] == 0xAA);
    assert_fine(device->copy(device, NULL, NULL, NULL, 0, COPY_TO_DEVICE));
    assert_fine(device_read(device, NULL, NULL, 0));
    release_all(device, 3, (void *[]){x, y, NULL});
}

static void pageable_memory_may_be_used_again_at_once(void **state) {
    const Device *device = *state;
    uint8_t from[COUNT];
    memset(from, 1, sizeof from);
    uint8_t *x = allocated(device, COUNT);
    assert_fine(device->copy(device, NULL, x, from, COUNT, COPY_TO_DEVICE));
    memset(from, 2, sizeof from);
    assert_true(holds(device, x, 1, COUNT));
    device->release(device, x);
}

static void pinned_memory_is_copied_in_the_stream_s_order(void **state) {
    const Device *device = *state;
    void *pinned;
    assert_fine(device->allocate_pinned(device, COUNT, "a test", &pinned));
    memset(pinned, 3, COUNT);
    uint8_t *x = allocated(device, COUNT);
    assert_fine(device->copy(device, NULL, x, pinned, COUNT, COPY_TO_DEVICE));
    assert_fine(device->fill(device, NULL, x + 10, 4, 10));
    assert_fine(device->wait(device, NULL));
    assert_true(holds(device, x, 3, 10) && holds(device, x + 10, 4, 10) && holds(device, x + 20, 3, COUNT - 20));
    assert_fine(device->fill(device, NULL, x, 5, 0));
    assert_fine(device->copy(device, NULL, pinned, x, COUNT, COPY_TO_HOST));
    assert_fine(device->wait(device, NULL));
    assert_int_equal(((uint8_t *)pinned)[9], 3);
    assert_int_equal(((uint8_t *)pinned)[10], 4);
    device->release(device, x);
    device->release_pinned(device, pinned);
    device->release_pinned(device, NULL);
}

/* The value of y when x, first 0, becomes 1 on one stream, and y a copy of x on another. */
static int order_of(const Device *device, bool hold, bool compute_first) {
    Stream *streams[2];
    Event *event;
    uint8_t *x = allocated(device, COUNT), *y = allocated(device, COUNT), value;
    for (int i = 0; i < 2; i++)
        assert_fine(device->stream_open(device, &streams[i]));
    assert_fine(device->event_open(device, &event));
    assert_fine(device->fill(device, NULL, x, 0, COUNT));
    assert_fine(device->fill(device, NULL, y, 2, COUNT));
    assert_fine(device->wait(device, NULL));
    Stream *first = compute_first ? NULL : streams[0], *second = compute_first ? streams[1] : NULL;
    assert_fine(device->fill(device, first, x, 1, COUNT));
    assert_fine(device->event_record(device, event, first));
    if (hold)
        assert_fine(device->stream_wait_event(device, event, second));
    assert_fine(device->copy(device, second, y, x, COUNT, COPY_ON_DEVICE));
    assert_fine(device->wait(device, second));
    assert_fine(device_read(device, &value, y, 1));
    assert_true(holds(device, y, value, COUNT));
    assert_fine(device->wait(device, first));
    device->event_close(device, event);
    for (int i = 0; i < 2; i++)
        device->stream_close(device, streams[i]);
    release_all(device, 2, (void *[]){x, y});
    return value;
}

static void a_waiting_stream_continues_after_the_event(void **state) {
    assert_int_equal(order_of(*state, true, false), 1);
    assert_int_equal(order_of(*state, true, true), 1);
}

/* Otherwise these tests, and those of training, would not notice a missing wait for an event. */
static void the_emulator_shows_a_missing_wait(void **state) {
    assert_int_equal(order_of(*state, false, false), 0);
    assert_int_equal(order_of(*state, false, true), 0);
}

static void events_report_when_work_is_done(void **state) {
    const Device *device = *state;
    Event *events[2];
    Stream *stream;
    bool done;
    double seconds = -1;
    uint8_t *x = allocated(device, COUNT), *pinned;
    assert_fine(device->stream_open(device, &stream));
    assert_fine(device->allocate_pinned(device, COUNT, "a test", (void **)&pinned));
    for (int i = 0; i < 2; i++)
        assert_fine(device->event_open(device, &events[i]));
    assert_fine(device->event_record(device, events[0], stream));
    assert_fine(device->fill(device, stream, x, 7, COUNT));
    assert_fine(device->copy(device, stream, pinned, x, COUNT, COPY_TO_HOST));
    assert_fine(device->event_record(device, events[1], stream));
    assert_fine(device->event_wait(device, events[1]));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(pinned[i], 7);
    for (int i = 0; i < 2; i++) {
        assert_fine(device->event_done(device, events[i], &done));
        assert_true(done);
    }
    assert_fine(device->event_seconds(device, events[0], events[1], &seconds));
    assert_true(seconds >= 0 && seconds < 60);
    for (int i = 0; i < 2; i++)
        device->event_close(device, events[i]);
    device->stream_close(device, stream);
    device->release(device, x);
    device->release_pinned(device, pinned);
}

/* A reported failure does not recur as that of the operation that runs next. */
static void operations_run(const Device *device) {
    Ops ops;
    uint16_t y = 0;
    device->operations(device, 1, &ops);
    float *x = placed(device, &(float){1}, sizeof *x);
    uint16_t *out = allocated(device, sizeof *out);
    ops.cast_to_bf16(&ops, &(CastToBf16){.x = x, .y = out, .count = 1});
    assert_fine(ops_error(&ops));
    assert_fine(device_read(device, &y, out, sizeof y));
    assert_int_equal(y, 0x3f80);
    release_all(device, 2, (void *[]){x, out});
}

static void an_event_is_not_done_before_its_work(void **state) {
    const Device *device = *state;
    Event *event;
    bool done;
    double seconds;
    uint8_t *x = allocated(device, COUNT);
    assert_fine(device->event_open(device, &event));
    assert_fine(device->fill(device, NULL, x, 7, COUNT));
    assert_fine(device->event_record(device, event, NULL));
    assert_fine(device->event_done(device, event, &done));
    assert_false(done);
    operations_run(device); /* "not done" is no failure of an operation */
    assert_fine(device->fill(device, NULL, x, 7, COUNT));
    assert_fine(device->event_record(device, event, NULL));
    assert_refused(device->event_seconds(device, event, event, &seconds), EXIT_INTERNAL, "event_seconds");
    operations_run(device);
    assert_fine(device->event_done(device, event, &done));
    assert_true(done);
    device->event_close(device, event);
    device->release(device, x);
}

static void captured_work_is_repeated_on_current_data(void **state) {
    const Device *device = *state;
    Ops ops;
    Graph *graph;
    float x[COUNT], norm;
    uint16_t y[COUNT];
    device->operations(device, 1, &ops);
    for (int i = 0; i < COUNT; i++)
        x[i] = 1;
    float *in = placed(device, x, sizeof x), *length = allocated(device, sizeof norm);
    uint16_t *out = allocated(device, sizeof y);
    assert_fine(device->fill(device, NULL, out, 0xAA, sizeof y));
    ops.global_norm(
        &ops,
        &(GlobalNorm){.x = in, .count = COUNT, .norm = length}); /* once before, so that its memory is allocated */
    assert_fine(device->wait(device, NULL));
    assert_fine(device->capture_begin(device));
    ops.cast_to_bf16(&ops, &(CastToBf16){.x = in, .y = out, .count = COUNT});
    ops.global_norm(&ops, &(GlobalNorm){.x = in, .count = COUNT, .norm = length});
    assert_fine(device->capture_end(device, &graph));
    assert_fine(ops_error(&ops));
    if (on_cpu(device)) {
        assert_null(graph);
        assert_true(out[0] == 0x3f80 && out[COUNT - 1] == 0x3f80); /* it was done immediately */
    } else {
        assert_non_null(graph);
        assert_true(holds(device, out, 0xAA, sizeof y));
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < COUNT; i++)
                x[i] = (float)(1 << round);
            assert_fine(device->copy(device, NULL, in, x, sizeof x, COPY_TO_DEVICE));
            assert_fine(device->graph_launch(device, graph));
            assert_fine(device_read(device, y, out, sizeof y));
            assert_fine(device_read(device, &norm, length, sizeof norm));
            assert_true(y[0] == 0x3f80 + 0x80 * round && y[COUNT - 1] == y[0]);
            assert_true(norm == (float)sqrt(COUNT) * (float)(1 << round)); /* a sum of whole numbers, which is exact */
        }
    }
    device->graph_close(device, graph);
    release_all(device, 3, (void *[]){in, out, length});
}

static void too_much_memory_is_refused_with_the_figures(void **state) {
    const Device *device = *state;
    void *memory;
    Arena arena;
    /* The sanitizers' allocator ends the program instead of refusing so much. */
    if (!on_cpu(device))
        assert_refused(device->allocate(device, (size_t)1 << 50, "a large tensor", &memory), EXIT_NO_MEMORY,
                       "1125899906.8 MB for a large tensor");
    else
        assert_refused(device->allocate_pinned(device, SIZE_MAX, "a ring", &memory), EXIT_NO_MEMORY, "a ring");
    assert_null(memory);
    assert_refused(device->allocate(device, SIZE_MAX, "a large tensor", &memory), EXIT_NO_MEMORY, "a large tensor");
    assert_refused(device_arena_open(device, &arena, SIZE_MAX, "the activations"), EXIT_NO_MEMORY, "the activations");
    assert_null(arena.base);
    operations_run(device);
}

static void an_arena_is_zeroed_and_can_be_empty(void **state) {
    const Device *device = *state;
    Arena measuring = {0}, arena;
    arena_take(&measuring, 1);
    arena_take(&measuring, 100);
    for (int round = 0; round < 2; round++) { /* the second finds the memory that the first used */
        assert_fine(device_arena_open(device, &arena, measuring.used, "a test"));
        uint8_t *first = arena_take(&arena, 1), *second = arena_take(&arena, 100);
        assert_int_equal(arena.used, measuring.used);
        assert_int_equal((uintptr_t)first % 64, 0);
        assert_int_equal(second - first, 64);
        assert_true(holds(device, first, 0, measuring.used));
        assert_fine(device->fill(device, NULL, first, 0xAA, measuring.used));
        assert_fine(device->wait(device, NULL));
        device_arena_close(device, &arena);
        assert_null(arena.base);
    }
    device_arena_close(device, &arena);
    assert_fine(device_arena_open(device, &arena, 0, "a test"));
    assert_non_null(arena.base);
    device_arena_close(device, &arena);
}

/* Wrong data of an operation is reported immediately on the CPU, at the next wait on a GPU. */
static Status found_in(const Device *device, Ops *ops) {
    Status status = ops_error(ops);
    return status ? status : device->wait(device, NULL);
}

static void wrong_data_is_found_once_and_named(void **state) {
    const Device *device = *state;
    Ops ops;
    device->operations(device, 1, &ops);
    const float zeros[512] = {0};
    const int32_t ids[2][4] = {{3, 2, 1, 0}, {0, 9, 1, 2}};
    const float labels[3] = {0, 2, 3};
    const double ones[1] = {1};
    float *in = placed(device, zeros, sizeof zeros), *out = placed(device, zeros, sizeof zeros);
    int32_t *place = placed(device, ids, sizeof ids);
    float *label = placed(device, labels, sizeof labels);
    double *loss = allocated(device, sizeof *loss), *known = placed(device, ones, sizeof ones);

    ops.embed_forward(
        &ops,
        &(EmbedForward){
            .x = in, .cls = in, .pos = in, .ids = place, .out = out, .batch = 2, .patches = 4, .keep = 2, .dim = 8});
    assert_refused(found_in(device, &ops), EXIT_INTERNAL, "embed_forward: ids[1][1] is 9, not a patch of 0 .. 3");
    assert_fine(found_in(device, &ops));

    ops.cross_entropy_loss(&ops, &(CrossEntropyLoss){.logits = in,
                                                     .labels = label,
                                                     .weights = in,
                                                     .known = known,
                                                     .smoothing = 0.1f,
                                                     .grad_scale = 1,
                                                     .loss = loss,
                                                     .dlogits = out,
                                                     .batch = 3,
                                                     .classes = 3});
    assert_refused(found_in(device, &ops), EXIT_DATA,
                   "cross_entropy_loss: label 3 of sample 2 is not one of 3 classes (0 .. 2); correct the task's "
                   "labels or its number of classes");
    assert_fine(found_in(device, &ops));

    const Crop crops[2] = {{0, 0, 4, 4, false}, {1, 2, 4, 3, false}};
    const float mean[3] = {0.5f, 0.5f, 0.5f}, deviation[3] = {0.25f, 0.25f, 0.25f};
    Crop *crop = placed(device, crops, sizeof crops);
    assert_fine(device_write(device, place, (int32_t[2][1]){{0}, {0}}, sizeof(int32_t[2][1])));
    const ImageSet images = {.pixels = (uint8_t *)in, .count = 2, .height = 4, .width = 6, .crops = crop};
    ops.pixels_to_patches(&ops, &(PixelsToPatches){.images = &images,
                                                   .ids = place,
                                                   .keep = 1,
                                                   .mean = mean,
                                                   .std = deviation,
                                                   .size = 4,
                                                   .patch = 4,
                                                   .visible = out,
                                                   .batch = 2});
    assert_refused(found_in(device, &ops), EXIT_INTERNAL,
                   "the crop of 4 x 3 pixels at row 1, column 2 is not inside the image of 4 x 6");
    assert_fine(found_in(device, &ops));
    release_all(device, 7, (void *[]){in, out, place, label, loss, known, crop});
}

/* Enough to outgrow the scratch memory that small operations share: 1 MB of sums. */
enum { WIDE = 150000 };

static void norm_gradient_of(Ops *ops, float *x, float *rows) {
    ops->norm_backward(ops, &(NormBackward){.dy = x,
                                            .sum = x,
                                            .mean = rows,
                                            .rstd = rows,
                                            .weight = x,
                                            .rows_per_sample = 1,
                                            .dx = x,
                                            .dweight = x,
                                            .dbias = x,
                                            .rows = 1,
                                            .dim = WIDE});
}

static void captured_work_outlives_the_scratch_memory_it_used(void **state) {
    const Device *device = *state;
    Ops ops;
    Graph *graph;
    device->operations(device, 1, &ops);
    const float two[4] = {2, 2, 2, 2};
    float norm;
    float *x = allocated(device, WIDE * sizeof *x), *rows = placed(device, two, sizeof two);
    float *in = placed(device, two, sizeof two), *out = allocated(device, sizeof norm);
    assert_fine(device->fill(device, NULL, x, 0, WIDE * sizeof *x));
    ops.global_norm(&ops, &(GlobalNorm){.x = in, .count = 4, .norm = out});

    assert_fine(device->capture_begin(device));
    norm_gradient_of(&ops, x, rows);
    assert_fine(device->capture_end(device, &graph));
    device->graph_close(device, graph);
    assert_refused(ops_error(&ops), EXIT_INTERNAL, "while work is captured; run the operation once before");

    assert_fine(device->capture_begin(device));
    ops.global_norm(&ops, &(GlobalNorm){.x = in, .count = 4, .norm = out});
    assert_fine(device->capture_end(device, &graph));
    norm_gradient_of(&ops, x, rows);
    assert_fine(device->fill(device, NULL, out, 0, sizeof norm));
    assert_fine(device->graph_launch(device, graph));
    assert_fine(device_read(device, &norm, out, sizeof norm));
    assert_float_equal(norm, 4, 0);
    assert_fine(ops_error(&ops));
    device->graph_close(device, graph);
    release_all(device, 4, (void *[]){x, rows, in, out});
}

static const EmuControl *control_of(const Device *device) {
    const EmuControl *control = dlsym(device->library, "fovea_emu");
    assert_non_null(control);
    return control;
}

static int close_faulty(void **state) {
    control_of(*state)->fault(EMU_FAULT_NONE, 0);
    return close_device(state);
}

static void a_refused_allocation_names_what_and_how_much(void **state) {
    const Device *device = *state;
    const EmuControl *control = control_of(device);
    void *memory;
    Arena arena;
    control->fault(EMU_FAULT_MEMORY, 1);
    assert_refused(device->allocate(device, 3000000, "the moments", &memory), EXIT_NO_MEMORY,
                   "out of GPU memory: cannot allocate 3.0 MB for the moments; ");
    control->fault(EMU_FAULT_MEMORY, 1);
    assert_refused(device->allocate(device, 3000000, "the moments", &memory), EXIT_NO_MEMORY,
                   "MB of the emulated GPU, 4.0 GiB are free; use a GPU that no other process uses");
    control->fault(EMU_FAULT_PINNED, 1);
    assert_refused(device->allocate_pinned(device, 3000000, "the ring", &memory), EXIT_NO_MEMORY,
                   "cannot allocate 3.0 MB of pinned host memory for the ring; free memory");
    control->fault(EMU_FAULT_MEMORY, 1);
    assert_refused(device_arena_open(device, &arena, 100, "the activations"), EXIT_NO_MEMORY, "the activations");
    assert_null(arena.base);

    /* An operation that needs scratch memory, and works again when there is some. */
    Ops ops;
    const float four[4] = {2, 2, 2, 2};
    float norm, *x = placed(device, four, sizeof four), *length = allocated(device, sizeof norm);
    device->operations(device, 1, &ops);
    control->fault(EMU_FAULT_MEMORY, 1);
    ops.global_norm(&ops, &(GlobalNorm){.x = x, .count = 4, .norm = length});
    ops.global_norm(&ops, &(GlobalNorm){.x = x, .count = 4, .norm = length});
    assert_refused(ops_error(&ops), EXIT_NO_MEMORY, "1.0 MB for global_norm");
    ops.global_norm(&ops, &(GlobalNorm){.x = x, .count = 4, .norm = length});
    assert_fine(device_read(device, &norm, length, sizeof norm));
    assert_fine(ops_error(&ops));
    assert_float_equal(norm, 4, 0);
    release_all(device, 2, (void *[]){x, length});
}

/* Operations use the scratch memory that was reserved; reserving less than that changes nothing. */
static void reserved_scratch_memory_is_used(void **state) {
    const Device *device = *state;
    const EmuControl *control = control_of(device);
    enum { RESERVED = 3 << 20 };
    Ops ops;
    const float four[4] = {2, 2, 2, 2};
    float norm, *x = placed(device, four, sizeof four), *length = allocated(device, sizeof norm);
    device->operations(device, 1, &ops);
    const size_t before = control->allocated();
    assert_fine(device->reserve_scratch(device, RESERVED));
    assert_int_equal(control->allocated() - before, RESERVED);
    assert_fine(device->reserve_scratch(device, RESERVED - 1));
    ops.global_norm(&ops, &(GlobalNorm){.x = x, .count = 4, .norm = length});
    assert_fine(device_read(device, &norm, length, sizeof norm));
    assert_float_equal(norm, 4, 0);
    assert_int_equal(control->allocated() - before, RESERVED);
    control->fault(EMU_FAULT_MEMORY, 1);
    assert_refused(device->reserve_scratch(device, 2 * RESERVED), EXIT_NO_MEMORY, "for the kernels' scratch memory; ");
    assert_fine(device->reserve_scratch(device, RESERVED));
    release_all(device, 2, (void *[]){x, length});
}

/* What the wait reports when `fault` happens at the second of three kernels, which is named; and what later calls
 * report. */
static void fails_late(const Device *device, EmuFault fault, ExitCode code, const char *says) {
    Ops ops;
    void *memory;
    device->operations(device, 1, &ops);
    float *x = allocated(device, COUNT * sizeof *x);
    assert_fine(device->fill(device, NULL, x, 0, COUNT * sizeof *x));
    assert_fine(device->wait(device, NULL));
    control_of(device)->fault(fault, 2);
    for (int i = 0; i < 3; i++)
        ops.cast_to_bf16(&ops, &(CastToBf16){.x = x, .y = (uint16_t *)x, .count = i ? 8 : COUNT});
    assert_fine(ops_error(&ops)); /* nothing has waited */
    Status status = device->wait(device, NULL);
    assert_int_equal(status_code(status), code);
    if (!strstr(status_message(status), says) || !strstr(status_message(status), "last launched cast_to_bf16: ") ||
        !strstr(status_message(status), "cast_kernel"))
        fail_msg("\"%s\" lacks \"%s\", or the kernel", status_message(status), says);
    status_free(status);
    /* The device stays unusable, and reports the same. */
    assert_refused(device->wait(device, NULL), code, says);
    assert_refused(device->allocate(device, 8, "a test", &memory), code, says);
    assert_refused(device_read(device, &(float){0}, x, sizeof *x), code, says);
    ops.cast_to_bf16(&ops, &(CastToBf16){.x = x, .y = (uint16_t *)x, .count = 8});
    assert_refused(ops_error(&ops), code, "(kernels/cuda/cast.cu), 1 x 1 x 1 blocks of ");
    device->release(device, x);
}

static void a_kernel_that_fails_is_a_fault_of_the_program(void **state) {
    fails_late(*state, EMU_FAULT_LAUNCH, EXIT_INTERNAL, "CUDA_LAUNCH_BLOCKING=1");
}

static void damaged_memory_is_reported_with_the_remedy(void **state) {
    fails_late(*state, EMU_FAULT_ECC, EXIT_MISSING, "nvidia-smi --gpu-reset");
}

static void a_lost_gpu_is_reported_with_the_remedy(void **state) {
    fails_late(*state, EMU_FAULT_LOST, EXIT_MISSING, "the GPU or its driver no longer answers: see `nvidia-smi`");
}

static void an_absent_gpu_is_reported_with_the_remedy(void **state) {
    const EmuControl *control = control_of(*state);
    static const struct {
        EmuFault fault;
        const char *says;
    } absent[] = {
        {EMU_FAULT_NO_DRIVER, "no NVIDIA driver is installed: on a machine with a GPU, install one for CUDA 13.0"},
        {EMU_FAULT_OLD_DRIVER, "the NVIDIA driver is too old: it supports CUDA 12.0, this program was built with CUDA "
                               "13.0; install a newer driver"},
        {EMU_FAULT_NO_DEVICE, "the NVIDIA driver shows no GPU: CUDA_VISIBLE_DEVICES is empty; `nvidia-smi`"},
        {EMU_FAULT_ECC, "uncorrectable ECC error"},
    };
    setenv("CUDA_VISIBLE_DEVICES", "", 1);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        Device *device;
        char *note;
        control->fault(absent[i].fault, 1);
        assert_refused(device_open(DEVICE_EMU, &device, &note), EXIT_MISSING, absent[i].says);
        assert_null(device);
        assert_null(note);
        control->fault(EMU_FAULT_NONE, 0);
    }
    unsetenv("CUDA_VISIBLE_DEVICES");
}

/* Opening fails at each of its allocations, and leaves no memory allocated. */
static void opening_without_memory_frees_its_allocations(void **state) {
    const EmuControl *control = control_of(*state);
    const size_t before = control->allocated();
    static const EmuFault faults[] = {EMU_FAULT_MEMORY, EMU_FAULT_PINNED};
    for (int i = 0; i < 2; i++) {
        int refused = 0;
        for (bool opened = false; !opened; refused += !opened) {
            Device *device;
            char *note;
            control->fault(faults[i], refused + 1);
            Status status = device_open(DEVICE_EMU, &device, &note);
            control->fault(EMU_FAULT_NONE, 0);
            opened = !status;
            if (status)
                assert_int_equal(status_code(status), EXIT_NO_MEMORY);
            status_free(status);
            device_close(device);
            assert_int_equal(control->allocated(), before);
        }
        assert_true(refused > 0 && refused < 10);
    }
}

/* More than the parts of a sum hold at their smallest, and no whole number of anything: rows that the sanitizers see
 * read where they do not begin. */
static void a_long_sum_is_cut_where_packs_begin(void **state) {
    const Device *device = *state;
    const size_t count = (1 << 20) + 4099;
    float *x = malloc(count * sizeof *x), norm;
    assert_non_null(x);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(i % 7) - 2;
        sum += x[i] * x[i];
    }
    Ops ops;
    device->operations(device, 1, &ops);
    float *in = placed(device, x, count * sizeof *x), *out = allocated(device, sizeof norm);
    ops.global_norm(&ops, &(GlobalNorm){.x = in, .count = count, .norm = out});
    assert_fine(ops_error(&ops));
    assert_fine(device_read(device, &norm, out, sizeof norm));
    assert_true(norm == (float)sqrt(sum)); /* a sum of whole numbers, which is exact */
    release_all(device, 2, (void *[]){in, out});
    free(x);
}

static void auto_says_why_the_cpu_is_used(void **state) {
    (void)state;
    Device *device;
    char *note;
    assert_fine(device_open(DEVICE_AUTO, &device, &note));
    if (strcmp(device->name, "cpu") == 0) {
        assert_non_null(note);
        assert_true(strncmp(note, "running on the CPU: ", 20) == 0 && strlen(note) > 40);
        assert_null(strchr(note, '\n'));
    } else {
        assert_string_equal(device->name, "cuda");
        assert_null(note);
    }
    free(note);
    device_close(device);
    device_close(NULL);
}

static void cuda_without_a_gpu_is_refused_with_the_reason(void **state) {
    (void)state;
    Device *device;
    char *note;
    Status status = device_open(DEVICE_CUDA, &device, &note);
    assert_null(note);
    if (!status) {
        device_close(device);
        skip();
    }
    assert_null(device);
    assert_int_equal(status_code(status), EXIT_MISSING);
    const char *message = status_message(status);
    if (!strstr(message, "`make` builds it where CUDA's nvcc is") && !strstr(message, "cannot be loaded") &&
        !strstr(message, "no NVIDIA driver is installed") && !strstr(message, "shows no GPU") &&
        !strstr(message, "driver is too old"))
        fail_msg("\"%s\" gives no reason that a machine without a GPU has", message);
    status_free(status);
}

static void a_library_that_does_not_fit_is_refused(void **state) {
    (void)state;
    Device device = {0};
    assert_refused(plugin_open("absent", &device), EXIT_MISSING, "there is no libfovea_absent.so beside /");
    assert_refused(plugin_open("strange", &device), EXIT_MISSING,
                   "libfovea_strange.so is from another build than the program: run `make`");

    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
    assert_true(length > 0);
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "libfovea_broken.so");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("not a library", file);
    fclose(file);
    assert_refused(plugin_open("broken", &device), EXIT_MISSING, "libfovea_broken.so cannot be loaded: /");
    remove(path);
    assert_null(device.library);
}

/* Operations have ranges of their own; every range that begins ends. */
static void ranges_nest_and_end(void **state) {
    const Device *device = *state;
    const EmuControl *emu = control_of(device);
    Ops ops;
    device->operations(device, 1, &ops);
    const float zero[4] = {0};
    float *x = placed(device, zero, sizeof zero);
    long open;
    const unsigned long before = emu->ranges(&open);
    assert_int_equal(open, 0);
    device->range_push(device, "outer");
    device->range_push(device, "inner");
    assert_int_equal(emu->ranges(&open), before + 2);
    assert_int_equal(open, 2);
    ops.gelu_forward(&ops, &(GeluForward){.x = x, .act = ACTIVATION_GELU_TANH, .y = x, .count = 4});
    assert_null(ops_error(&ops));
    assert_int_equal(emu->ranges(&open), before + 3);
    assert_int_equal(open, 2);
    device->range_pop(device);
    device->range_pop(device);
    emu->ranges(&open);
    assert_int_equal(open, 0);
    assert_fine(device->wait(device, NULL));
    device->release(device, x);
}

#define ON(device, test)                                                                                               \
    { #test " on " #device, test, open_##device, close_device, NULL }
#define FAULTY(test)                                                                                                   \
    { #test, test, open_emu, close_faulty, NULL }
#define ON_BOTH(test) ON(cpu, test), ON(emu, test)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH(the_device_says_what_it_is),
        ON_BOTH(copies_arrive_whole),
        ON_BOTH(pageable_memory_may_be_used_again_at_once),
        ON_BOTH(pinned_memory_is_copied_in_the_stream_s_order),
        ON_BOTH(a_waiting_stream_continues_after_the_event),
        ON(emu, the_emulator_shows_a_missing_wait),
        ON_BOTH(events_report_when_work_is_done),
        ON(emu, an_event_is_not_done_before_its_work),
        ON_BOTH(captured_work_is_repeated_on_current_data),
        ON_BOTH(too_much_memory_is_refused_with_the_figures),
        ON_BOTH(an_arena_is_zeroed_and_can_be_empty),
        ON_BOTH(wrong_data_is_found_once_and_named),
        ON_BOTH(a_long_sum_is_cut_where_packs_begin),
        ON(emu, ranges_nest_and_end),
        ON(emu, captured_work_outlives_the_scratch_memory_it_used),
        FAULTY(a_refused_allocation_names_what_and_how_much),
        FAULTY(reserved_scratch_memory_is_used),
        FAULTY(a_kernel_that_fails_is_a_fault_of_the_program),
        FAULTY(damaged_memory_is_reported_with_the_remedy),
        FAULTY(a_lost_gpu_is_reported_with_the_remedy),
        FAULTY(an_absent_gpu_is_reported_with_the_remedy),
        FAULTY(opening_without_memory_frees_its_allocations),
        cmocka_unit_test(auto_says_why_the_cpu_is_used),
        cmocka_unit_test(cuda_without_a_gpu_is_refused_with_the_reason),
        cmocka_unit_test(a_library_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
