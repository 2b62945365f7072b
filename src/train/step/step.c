/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step/step.h"

#include "model/fp8.h"

#include <math.h>
#include <stdlib.h>

/* Work that runs uncaptured the first time, when algorithms are chosen and scratch memory is allocated. It is captured
 * the second time and launched as a graph from then on. */
typedef struct {
    bool done;
    Graph *graph;
} Work;

/* One of the model's input slots: it holds a micro-batch. */
typedef struct {
    int32_t *which; /* pinned; NULL unless the device caches the records */
    Event *filled, *free;
    Work first, more; /* passes that set the gradients, and that add to them */
} InputSlot;

struct Step {
    StepOptions options;
    const Device *device;
    int accumulation;
    Arena memory;   /* of the device, for: */
    double *losses; /* [accumulation] */
    StepState *state;
    float *gate;
    /* Of the host: */
    StepState *outcomes; /* [STEP_MAX_IN_FLIGHT], pinned */
    int32_t *which;      /* [MODEL_INPUT_SLOTS][micro_batch], pinned */
    Stream *copies;
    Event *ends[STEP_MAX_IN_FLIGHT];
    InputSlot slots[MODEL_INPUT_SLOTS];
    Work update;
    Status uncaptured;     /* why work is no longer captured; NULL: nothing has prevented it */
    int generation;        /* fp8_generation() of the captured operations */
    uint64_t micro;        /* micro-batches so far */
    uint64_t begun, ended; /* steps so far */
    uint64_t copied;       /* bytes of inputs */
};

static void lay_out_step(Step *step, Arena *memory) {
    arena_group(memory, "step's losses and state");
    step->losses = arena_take(memory, (size_t)step->accumulation * sizeof *step->losses);
    step->state = arena_take(memory, sizeof *step->state);
    step->gate = arena_take(memory, sizeof *step->gate);
}

void step_measure(const ModelShape *shape, int global_batch, Arena *host, Arena *memory) {
    Step step = {.accumulation = global_batch / shape->batch};
    lay_out_step(&step, memory);
    arena_group(host, "step's outcomes");
    arena_take(host, STEP_MAX_IN_FLIGHT * sizeof *step.outcomes);
    arena_take(host, shape->cached ? MODEL_INPUT_SLOTS * (size_t)shape->batch * sizeof *step.which : 0);
}

static Status open_pinned_memory(Step *step) {
    const Device *device = step->device;
    const size_t batch = (size_t)step->options.objective->shape->batch;
    void *memory;
    TRY(device->allocate_pinned(device, STEP_MAX_IN_FLIGHT * sizeof *step->outcomes, "a step's outcomes", &memory));
    step->outcomes = memory;
    if (!step->options.cached_records)
        return NULL;
    TRY(device->allocate_pinned(device, MODEL_INPUT_SLOTS * batch * sizeof *step->which, "a step's records", &memory));
    step->which = memory;
    for (int i = 0; i < MODEL_INPUT_SLOTS; i++)
        step->slots[i].which = step->which + (size_t)i * batch;
    return NULL;
}

static Status open_device_memory(Step *step) {
    const Device *device = step->device;
    Arena measure = {0};
    lay_out_step(step, &measure);
    TRY(device_arena_open(device, &step->memory, measure.used, "a step's losses and state"));
    lay_out_step(step, &step->memory);
    TRY(device->stream_open(device, &step->copies));
    for (int i = 0; i < STEP_MAX_IN_FLIGHT; i++)
        TRY(device->event_open(device, &step->ends[i]));
    for (int i = 0; i < MODEL_INPUT_SLOTS; i++) {
        InputSlot *slot = &step->slots[i];
        TRY(device->event_open(device, &slot->filled));
        TRY(device->event_open(device, &slot->free));
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
    Status status = open_device_memory(step);
    if (!status)
        status = open_pinned_memory(step);
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
    /* Pending work reads memory that is about to be freed. A failure in it was reported, or will be by the next wait.
     */
    status_free(device->wait(device, step->copies));
    status_free(device->wait(device, NULL));
    device->graph_close(device, step->update.graph);
    for (int i = 0; i < MODEL_INPUT_SLOTS; i++) {
        InputSlot *slot = &step->slots[i];
        device->graph_close(device, slot->first.graph);
        device->graph_close(device, slot->more.graph);
        device->event_close(device, slot->filled);
        device->event_close(device, slot->free);
    }
    for (int i = 0; i < STEP_MAX_IN_FLIGHT; i++)
        device->event_close(device, step->ends[i]);
    device->stream_close(device, step->copies);
    device->release_pinned(device, step->which);
    device->release_pinned(device, step->outcomes);
    device_arena_close(device, &step->memory);
    status_free(step->uncaptured);
    free(step);
}

int step_ahead(const Step *step) {
    return step->device->host_memory ? 0 : STEP_MAX_IN_FLIGHT - 1;
}

const char *step_note(const Step *step) {
    return step->uncaptured ? status_message(step->uncaptured) : NULL;
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
        TRY(step->device->event_done(step->device, step->ends[(step->begun - 1) % STEP_MAX_IN_FLIGHT], &done));
    *busy = !done;
    return NULL;
}

Status step_start(Step *step, int64_t applied, double mean) {
    const StepState state = {
        .spike = step->options.spike, .settled = step->options.settled, .applied = applied, .mean = mean};
    return device_write(step->device, step->state, &state, sizeof state);
}

static Fp8 *fp8_of(const Step *step) {
    return step->options.objective->params->fp8;
}

/* The operations of one kind of work. */
typedef void (*Body)(Step *step, const ModelInput *input, bool add);

static void run_passes(Step *step, const ModelInput *input, bool add) {
    Objective *objective = step->options.objective;
    if (!add)
        fp8_begin(objective->params->fp8);
    objective->forward(objective, input);
    objective->backward(objective, input, 1.0f / (float)step->accumulation, add);
}

static void run_update(Step *step, const ModelInput *input, bool add) {
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

/* Captures the work; *graph stays NULL where it ran instead. */
static Status capture_work(Step *step, Body body, const ModelInput *input, bool add, Graph **graph) {
    const Device *device = step->device;
    TRY(device->capture_begin(device));
    body(step, input, add);
    Status failed = ops_error(step->options.ops);
    Status ended = device->capture_end(device, graph);
    if (!failed)
        return ended;
    status_free(ended);
    device->graph_close(device, *graph);
    *graph = NULL;
    return failed;
}

/* Captures the work, unless the device or a library cannot: then this work and all that follows runs uncaptured. Where
 * the work itself is at fault it fails then as well. */
static Status try_capture(Step *step, Body body, const ModelInput *input, bool add, Graph **graph) {
    Status failure = capture_work(step, body, input, add, graph);
    if (status_code(failure) != EXIT_INTERNAL)
        return failure;
    step->options.capture = false;
    step->uncaptured =
        status_error(EXIT_INTERNAL,
                     "a step's work cannot be captured as a graph, so each kernel is launched by itself, which may be "
                     "slower and computes the same: %s",
                     status_message(failure));
    status_free(failure);
    return NULL;
}

static void forget_work(Step *step, Work *work) {
    step->device->graph_close(step->device, work->graph);
    *work = (Work){0};
}

/* Drops graphs of operations that have changed since: the work runs uncaptured again. */
static Status forget_outdated_work(Step *step) {
    const int generation = fp8_generation(fp8_of(step));
    if (step->generation == generation)
        return NULL;
    step->generation = generation;
    TRY(step->device->wait(step->device, NULL));
    forget_work(step, &step->update);
    for (int i = 0; i < MODEL_INPUT_SLOTS; i++) {
        forget_work(step, &step->slots[i].first);
        forget_work(step, &step->slots[i].more);
    }
    return NULL;
}

static Status do_work(Step *step, Work *work, Body body, const ModelInput *input, bool add) {
    const Device *device = step->device;
    if (work->done && step->options.capture && !device->host_memory && !work->graph)
        TRY(try_capture(step, body, input, add, &work->graph));
    if (work->graph) {
        device->range_push(device, body == run_update ? "optimizer" : "passes");
        Status status = device->graph_launch(device, work->graph);
        device->range_pop(device);
        return status;
    }
    body(step, input, add);
    work->done = true;
    return ops_error(step->options.ops);
}

/* Copies a micro-batch to the next slot, once host and device no longer use its former content. */
static Status copy_inputs(Step *step, InputSlot *slot, int index, const PrefetchBatch *batch, int first,
                          ModelInput *input) {
    const Device *device = step->device;
    Objective *objective = step->options.objective;
    const int count = step->options.micro_batch;
    const ModelShape *shape = objective->shape;
    const int side = batch->crops ? shape->record : shape->image_size;
    const size_t image = (size_t)side * (size_t)side * 3;
    const uint8_t *cached = step->options.cached_records, *samples = batch->samples;
    ModelInput host = {.pixels = cached ? NULL : samples + (size_t)first * image,
                       .side = side,
                       .records = cached,
                       .which = slot->which,
                       .cached = (int)step->options.cached_count,
                       .crops = batch->crops ? batch->crops + first : NULL,
                       .batch = count};
    if (step->micro >= MODEL_INPUT_SLOTS) {
        TRY(device->event_wait(device, slot->filled));
        TRY(device->stream_wait_event(device, slot->free, step->copies));
    }
    for (int i = 0; i < count && cached; i++)
        slot->which[i] = (int32_t)(batch->records[first + i] % step->options.cached_count);
    objective->take_extras(objective, index, batch->extras, first, &host);
    const uint64_t before = objective->uploaded_bytes(objective);
    TRY(objective->upload(objective, index, step->copies, &host, input));
    step->copied += objective->uploaded_bytes(objective) - before;
    TRY(device->event_record(device, slot->filled, step->copies));
    return device->stream_wait_event(device, slot->filled, NULL);
}

static Status fill_slot(Step *step, InputSlot *slot, int index, const PrefetchBatch *batch, int first,
                        ModelInput *input) {
    step->device->range_push(step->device, "inputs");
    Status status = copy_inputs(step, slot, index, batch, first, input);
    step->device->range_pop(step->device);
    return status;
}

Status step_gradients(Step *step, const PrefetchBatch *batch) {
    const Device *device = step->device;
    TRY(forget_outdated_work(step));
    for (int i = 0; i < step->accumulation; i++, step->micro++) {
        const int index = (int)(step->micro % MODEL_INPUT_SLOTS);
        InputSlot *slot = &step->slots[index];
        ModelInput input;
        TRY(fill_slot(step, slot, index, batch, i * step->options.micro_batch, &input));
        TRY(do_work(step, i ? &slot->more : &slot->first, run_passes, &input, i > 0));
        TRY(device->copy(device, NULL, step->losses + i, step->options.objective->loss_memory, sizeof *step->losses,
                         COPY_ON_DEVICE));
        TRY(device->event_record(device, slot->free, NULL));
    }
    return NULL;
}

Status step_update(Step *step, double lr, int64_t number) {
    const Device *device = step->device;
    const int slot = (int)(step->begun % STEP_MAX_IN_FLIGHT);
    TRY(optimizer_set(step->options.optimizer, lr, number));
    TRY(do_work(step, &step->update, run_update, NULL, false));
    TRY(device->copy(device, NULL, &step->outcomes[slot], step->state, sizeof *step->outcomes, COPY_TO_HOST));
    TRY(device->event_record(device, step->ends[slot], NULL));
    step->begun++;
    return NULL;
}

Status step_wait_oldest(Step *step, StepState *outcome) {
    const int slot = (int)(step->ended % STEP_MAX_IN_FLIGHT);
    TRY(step->device->event_wait(step->device, step->ends[slot]));
    *outcome = step->outcomes[slot];
    step->ended++;
    if (!outcome->halted)
        fp8_settle(fp8_of(step));
    return NULL;
}

Status step_repeat(Step *step, const PrefetchBatch *batch) {
    Objective *objective = step->options.objective;
    for (int i = 0; i < step->accumulation; i++, step->micro++) {
        const int index = (int)(step->micro % MODEL_INPUT_SLOTS);
        ModelInput input;
        double loss;
        TRY(fill_slot(step, &step->slots[index], index, batch, i * step->options.micro_batch, &input));
        if (i == 0)
            fp8_begin(fp8_of(step));
        objective->forward(objective, &input);
        TRY(objective->loss(objective, &loss));
        if (!isfinite(loss))
            return NULL;
        objective->backward(objective, &input, 1.0f / (float)step->accumulation, i > 0);
        TRY(ops_error(step->options.ops));
        TRY(step->device->event_record(step->device, step->slots[index].free, NULL));
    }
    return NULL;
}
