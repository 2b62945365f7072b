/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step/step.h"

#include "model/fp8.h"

#include <math.h>
#include <stdlib.h>

/* Work that is done plainly the first time, when algorithms are chosen and scratch memory is taken, captured the second
 * time, and launched from then on. */
typedef struct {
    bool done;
    Graph *graph;
} Work;

/* One of the model's rooms for a micro-batch. */
typedef struct {
    int32_t *ids, *which; /* pinned; which: NULL unless the device holds the records */
    Event *filled, *free;
    Work first, more; /* passes whose gradients are put down, and added */
} Room;

struct Step {
    StepOptions options;
    const Device *device;
    int accumulation;
    Arena memory;   /* what follows is the device's */
    double *losses; /* [accumulation] */
    StepState *state;
    float *gate;
    /* The host's. */
    StepState *outcomes; /* [STEP_MOST], pinned */
    int32_t *ids;        /* [MAE_INPUT_SLOTS][micro_batch][patches], pinned, and */
    int32_t *which;      /* [MAE_INPUT_SLOTS][micro_batch] */
    Stream *copies;
    Event *ends[STEP_MOST];
    Room rooms[MAE_INPUT_SLOTS];
    Work update;
    int generation;        /* of the operations that the work consists of: fp8_generation() */
    uint64_t micro;        /* micro-batches so far */
    uint64_t begun, ended; /* steps so far */
    uint64_t copied;       /* bytes of inputs */
};

static size_t ids_of(const ModelShape *shape) {
    const size_t across = (size_t)(shape->image_size / shape->patch_size);
    return (size_t)shape->batch * across * across;
}

static void lay_out(Step *step, Arena *memory) {
    arena_group(memory, "step's losses and state");
    step->losses = arena_take(memory, (size_t)step->accumulation * sizeof *step->losses);
    step->state = arena_take(memory, sizeof *step->state);
    step->gate = arena_take(memory, sizeof *step->gate);
}

void step_measure(const ModelShape *shape, int global_batch, Arena *host, Arena *memory) {
    Step step = {.accumulation = global_batch / shape->batch};
    lay_out(&step, memory);
    arena_group(host, "step's masks and outcomes");
    arena_take(host, STEP_MOST * sizeof *step.outcomes);
    arena_take(host, MAE_INPUT_SLOTS * ids_of(shape) * sizeof *step.ids);
    arena_take(host, shape->cached ? MAE_INPUT_SLOTS * (size_t)shape->batch * sizeof *step.which : 0);
}

static Status open_pinned(Step *step) {
    const Device *device = step->device;
    const ModelShape *shape = mae_shape(step->options.mae);
    const size_t ids = ids_of(shape), batch = (size_t)shape->batch;
    void *memory;
    TRY(device->allocate_pinned(device, STEP_MOST * sizeof *step->outcomes, "a step's outcomes", &memory));
    step->outcomes = memory;
    TRY(device->allocate_pinned(device, MAE_INPUT_SLOTS * ids * sizeof *step->ids, "the masks", &memory));
    step->ids = memory;
    for (int i = 0; i < MAE_INPUT_SLOTS; i++)
        step->rooms[i].ids = step->ids + (size_t)i * ids;
    if (!step->options.held)
        return NULL;
    TRY(device->allocate_pinned(device, MAE_INPUT_SLOTS * batch * sizeof *step->which, "a step's records", &memory));
    step->which = memory;
    for (int i = 0; i < MAE_INPUT_SLOTS; i++)
        step->rooms[i].which = step->which + (size_t)i * batch;
    return NULL;
}

static Status open_device(Step *step) {
    const Device *device = step->device;
    Arena measure = {0};
    lay_out(step, &measure);
    TRY(device_arena_open(device, &step->memory, measure.used, "a step's losses and state"));
    lay_out(step, &step->memory);
    TRY(device->stream_open(device, &step->copies));
    for (int i = 0; i < STEP_MOST; i++)
        TRY(device->event_open(device, &step->ends[i]));
    for (int i = 0; i < MAE_INPUT_SLOTS; i++) {
        Room *room = &step->rooms[i];
        TRY(device->event_open(device, &room->filled));
        TRY(device->event_open(device, &room->free));
    }
    return NULL;
}

Status step_open(const StepOptions *options, Step **out) {
    *out = NULL;
    Step *step = calloc(1, sizeof *step);
    if (!step)
        return status_no_memory("a step", sizeof *step);
    step->options = *options;
    step->device = options->ops->device;
    step->accumulation = options->global_batch / options->micro_batch;
    Status status = open_device(step);
    if (!status)
        status = open_pinned(step);
    if (!status)
        status = step_start(step, 0, NAN);
    if (status)
        step_close(step);
    else
        *out = step;
    return status;
}

void step_close(Step *step) {
    if (!step)
        return;
    const Device *device = step->device;
    /* What is under way reads memory that is about to go; what failed in it was told, or will be by whoever waits next.
     */
    status_free(device->wait(device, step->copies));
    status_free(device->wait(device, NULL));
    device->graph_close(device, step->update.graph);
    for (int i = 0; i < MAE_INPUT_SLOTS; i++) {
        Room *room = &step->rooms[i];
        device->graph_close(device, room->first.graph);
        device->graph_close(device, room->more.graph);
        device->event_close(device, room->filled);
        device->event_close(device, room->free);
    }
    for (int i = 0; i < STEP_MOST; i++)
        device->event_close(device, step->ends[i]);
    device->stream_close(device, step->copies);
    device->release_pinned(device, step->which);
    device->release_pinned(device, step->ids);
    device->release_pinned(device, step->outcomes);
    device_arena_close(device, &step->memory);
    free(step);
}

int step_ahead(const Step *step) {
    return step->device->host_memory ? 0 : STEP_MOST - 1;
}

uint64_t step_copied(const Step *step) {
    return step->copied;
}

int step_pending(const Step *step) {
    return (int)(step->begun - step->ended);
}

Status step_busy(const Step *step, bool *busy) {
    bool done = true;
    if (step_pending(step))
        TRY(step->device->event_done(step->device, step->ends[(step->begun - 1) % STEP_MOST], &done));
    *busy = !done;
    return NULL;
}

Status step_start(Step *step, int64_t applied, double mean) {
    const StepState state = {
        .spike = step->options.spike, .settled = step->options.settled, .applied = applied, .mean = mean};
    return device_write(step->device, step->state, &state, sizeof state);
}

static Fp8 *fp8_of(const Step *step) {
    return mae_params(step->options.mae)->fp8;
}

/* What one kind of work consists of. */
typedef void (*Body)(Step *step, const MaeInput *input, bool add);

static void passes(Step *step, const MaeInput *input, bool add) {
    if (!add)
        fp8_begin(fp8_of(step));
    mae_forward(step->options.mae, input);
    mae_backward(step->options.mae, input, 1.0f / (float)step->accumulation, add);
}

static void update(Step *step, const MaeInput *input, bool add) {
    (void)input, (void)add;
    Ops *ops = step->options.ops;
    step->device->range_push(step->device, "optimizer");
    const float *norm = optimizer_norm(step->options.optimizer);
    ops->check_step(ops, &(CheckStep){.losses = step->losses,
                                      .count = step->accumulation,
                                      .norm = norm,
                                      .state = step->state,
                                      .gate = step->gate});
    optimizer_apply(step->options.optimizer, step->gate);
    fp8_end(fp8_of(step), step->gate);
    step->device->range_pop(step->device);
}

/* Captures the work; *graph stays NULL where it was done instead. */
static Status capture(Step *step, Body body, const MaeInput *input, bool add, Graph **graph) {
    const Device *device = step->device;
    TRY(device->capture_begin(device));
    body(step, input, add);
    Status failed = ops_error(step->options.ops);
    Status ended = device->capture_end(device, graph);
    if (failed) {
        status_free(ended);
        return failed;
    }
    return ended;
}

static void forget(Step *step, Work *work) {
    step->device->graph_close(step->device, work->graph);
    *work = (Work){0};
}

/* Work that was captured before other operations came to be wanted is done plainly again. */
static Status forget_outdated(Step *step) {
    const int generation = fp8_generation(fp8_of(step));
    if (step->generation == generation)
        return NULL;
    step->generation = generation;
    TRY(step->device->wait(step->device, NULL));
    forget(step, &step->update);
    for (int i = 0; i < MAE_INPUT_SLOTS; i++) {
        forget(step, &step->rooms[i].first);
        forget(step, &step->rooms[i].more);
    }
    return NULL;
}

static Status do_work(Step *step, Work *work, Body body, const MaeInput *input, bool add) {
    const Device *device = step->device;
    if (work->done && step->options.capture && !device->host_memory && !work->graph)
        TRY(capture(step, body, input, add, &work->graph));
    if (work->graph) {
        device->range_push(device, body == update ? "optimizer" : "passes");
        Status status = device->graph_launch(device, work->graph);
        device->range_pop(device);
        return status;
    }
    body(step, input, add);
    work->done = true;
    return ops_error(step->options.ops);
}

/* Brings a micro-batch to the next room, once the host and the device are done with what was in it. */
static Status copy_in(Step *step, Room *room, int index, const PrefetchBatch *batch, uint32_t epoch, int first,
                      MaeInput *input) {
    const Device *device = step->device;
    const int count = step->options.micro_batch;
    const ModelShape *shape = mae_shape(step->options.mae);
    const int side = batch->crops ? shape->record : shape->image_size;
    const size_t image = (size_t)side * (size_t)side * 3;
    const uint8_t *held = step->options.held, *samples = batch->samples;
    const MaeInput host = {.pixels = held ? held : samples + (size_t)first * image,
                           .side = side,
                           .which = room->which,
                           .cached = (int)step->options.held_count,
                           .crops = batch->crops ? batch->crops + first : NULL,
                           .ids = room->ids,
                           .batch = count};
    if (step->micro >= MAE_INPUT_SLOTS) {
        TRY(device->event_wait(device, room->filled));
        TRY(device->stream_wait_event(device, room->free, step->copies));
    }
    masks_draw_to(step->options.masks, step->options.seed, epoch, batch->records + first, count, room->ids);
    for (int i = 0; i < count && held; i++)
        room->which[i] = (int32_t)(batch->records[first + i] % step->options.held_count);
    const uint64_t before = mae_uploaded_bytes(step->options.mae);
    TRY(mae_upload(step->options.mae, index, step->copies, &host, input));
    step->copied += mae_uploaded_bytes(step->options.mae) - before;
    TRY(device->event_record(device, room->filled, step->copies));
    return device->stream_wait_event(device, room->filled, NULL);
}

static Status fill_room(Step *step, Room *room, int index, const PrefetchBatch *batch, uint32_t epoch, int first,
                        MaeInput *input) {
    step->device->range_push(step->device, "inputs");
    Status status = copy_in(step, room, index, batch, epoch, first, input);
    step->device->range_pop(step->device);
    return status;
}

Status step_gradients(Step *step, const PrefetchBatch *batch, uint32_t epoch) {
    const Device *device = step->device;
    TRY(forget_outdated(step));
    for (int i = 0; i < step->accumulation; i++, step->micro++) {
        const int index = (int)(step->micro % MAE_INPUT_SLOTS);
        Room *room = &step->rooms[index];
        MaeInput input;
        TRY(fill_room(step, room, index, batch, epoch, i * step->options.micro_batch, &input));
        TRY(do_work(step, i ? &room->more : &room->first, passes, &input, i > 0));
        TRY(device->copy(device, NULL, step->losses + i, mae_loss_memory(step->options.mae), sizeof *step->losses,
                         COPY_ON_DEVICE));
        TRY(device->event_record(device, room->free, NULL));
    }
    return NULL;
}

Status step_update(Step *step, double lr, int64_t number) {
    const Device *device = step->device;
    const int slot = (int)(step->begun % STEP_MOST);
    TRY(optimizer_set(step->options.optimizer, lr, number));
    TRY(do_work(step, &step->update, update, NULL, false));
    TRY(device->copy(device, NULL, &step->outcomes[slot], step->state, sizeof *step->outcomes, COPY_TO_HOST));
    TRY(device->event_record(device, step->ends[slot], NULL));
    step->begun++;
    return NULL;
}

Status step_settle(Step *step, StepState *outcome) {
    const int slot = (int)(step->ended % STEP_MOST);
    TRY(step->device->event_wait(step->device, step->ends[slot]));
    *outcome = step->outcomes[slot];
    step->ended++;
    if (!outcome->halted)
        fp8_settle(fp8_of(step));
    return NULL;
}

Status step_repeat(Step *step, const PrefetchBatch *batch, uint32_t epoch) {
    for (int i = 0; i < step->accumulation; i++, step->micro++) {
        const int index = (int)(step->micro % MAE_INPUT_SLOTS);
        MaeInput input;
        double loss;
        TRY(fill_room(step, &step->rooms[index], index, batch, epoch, i * step->options.micro_batch, &input));
        if (i == 0)
            fp8_begin(fp8_of(step));
        mae_forward(step->options.mae, &input);
        TRY(mae_loss(step->options.mae, &loss));
        if (!isfinite(loss))
            return NULL;
        mae_backward(step->options.mae, &input, 1.0f / (float)step->accumulation, i > 0);
        TRY(ops_error(step->options.ops));
        TRY(step->device->event_record(step->device, step->rooms[index].free, NULL));
    }
    return NULL;
}
