/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/profiler.h"
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

const char *const phase_names[PHASES] = {"data", "inputs", "forward", "backward", "passes", "optimizer", "other"};

#define OPERATION_NAME(operation, Arguments) #operation,
const char *const operation_names[OPERATION_COUNT] = {OPERATIONS(OPERATION_NAME)};
#undef OPERATION_NAME

static Phase phase_of(const char *range) {
    Phase phase = 0;
    while (phase < PHASE_OTHER && strcmp(range, phase_names[phase]) != 0)
        phase++;
    return phase;
}

static Phase current_phase(const Profiler *profiler) {
    return profiler->depth ? profiler->ranges[profiler->depth - 1] : PHASE_OTHER;
}

static Status grow_marks(Profiler *profiler) {
    int64_t capacity = profiler->capacity;
    TRY(list_grow(&profiler->marks, profiler->capacity, &capacity, sizeof *profiler->marks, "the profile's marks"));
    while (profiler->capacity < capacity) {
        Mark *mark = &profiler->marks[profiler->capacity];
        mark->event = NULL;
        TRY(profiler->real->event_open(profiler->real, &mark->event));
        profiler->capacity++;
    }
    return NULL;
}

static Status record_mark(Profiler *profiler, MarkKind kind, int which, OpCost cost) {
    if (profiler->count == profiler->capacity)
        TRY(grow_marks(profiler));
    Mark *mark = &profiler->marks[profiler->count++];
    *mark = (Mark){.event = mark->event, .kind = kind, .which = which, .cost = cost};
    return profiler->real->event_record(profiler->real, mark->event, NULL);
}

static void add_mark(Profiler *profiler, MarkKind kind, int which, OpCost cost) {
    const bool wanted = profiler->operations || (kind != MARK_BEGIN && kind != MARK_END);
    if (profiler->marking && wanted && !profiler->failure)
        profiler->failure = record_mark(profiler, kind, which, cost);
}

/* A range whose name is no phase belongs to the phase of the range around it. */
static void push_range(const Device *device, const char *name) {
    Profiler *profiler = (Profiler *)device;
    const Phase phase = phase_of(name), outer = current_phase(profiler);
    profiler->real->range_push(profiler->real, name);
    if (profiler->depth == PROFILER_DEPTH) {
        if (!profiler->failure)
            profiler->failure = status_error(
                EXIT_INTERNAL, "range %s is nested %d deep, more than a profile can follow", name, profiler->depth);
        return;
    }
    profiler->ranges[profiler->depth++] = phase == PHASE_OTHER ? outer : phase;
    add_mark(profiler, MARK_PHASE, (int)current_phase(profiler), (OpCost){0});
}

static void pop_range(const Device *device) {
    Profiler *profiler = (Profiler *)device;
    profiler->real->range_pop(profiler->real);
    if (profiler->depth)
        profiler->depth--;
    add_mark(profiler, MARK_PHASE, (int)current_phase(profiler), (OpCost){0});
}

/* Each operation of the table between two marks. The table's device is the profiler's (profiler_attach()). */
#define PROFILED(operation, Arguments)                                                                                 \
    static void profiled_##operation(Ops *ops, const Arguments *a) {                                                   \
        Profiler *profiler = (Profiler *)ops->device;                                                                  \
        add_mark(profiler, MARK_BEGIN, OPERATION_##operation, (OpCost){0});                                            \
        profiler->plain.operation(ops, a);                                                                             \
        add_mark(profiler, MARK_END, OPERATION_##operation, cost_##operation(a, ops->type));                           \
    }
OPERATIONS(PROFILED)
#undef PROFILED

void profiler_attach(Profiler *profiler, Ops *ops, const Ceilings *ceilings) {
    *profiler = (Profiler){.device = *ops->device, .real = ops->device, .plain = *ops, .ceilings = *ceilings};
    profiler->device.range_push = push_range;
    profiler->device.range_pop = pop_range;
    ops->device = &profiler->device;
#define PROFILE_FILL(operation, Arguments) ops->operation = profiled_##operation;
    OPERATIONS(PROFILE_FILL)
#undef PROFILE_FILL
}

void profiler_close(Profiler *profiler) {
    for (int i = 0; i < profiler->capacity; i++)
        profiler->real->event_close(profiler->real, profiler->marks[i].event);
    free(profiler->marks);
    profiler->marks = NULL;
    profiler->count = profiler->capacity = 0;
    profiler->marking = false;
    status_free(profiler->failure);
    profiler->failure = NULL;
}

Status profiler_begin_step(Profiler *profiler, bool operations) {
    profiler->marking = true;
    profiler->operations = operations;
    profiler->count = 0;
    return record_mark(profiler, MARK_STEP_BEGIN, (int)PHASE_OTHER, (OpCost){0});
}

/* Seconds since the step began. */
typedef struct {
    Phase phase;
    double phase_since, operation_since, busy_until;
    bool busy; /* some work has been seen */
} Walk;

static void note_busy(ProfileFigures *figures, Walk *walk, double from, double until) {
    const double idle = from > walk->busy_until ? from - walk->busy_until : 0;
    *(walk->busy ? &figures->idle_between_operations : &figures->idle_between_steps) += idle;
    walk->busy = true;
    walk->busy_until = until;
}

static void end_phase(ProfileFigures *figures, Walk *walk, Phase next, double now) {
    figures->phases[walk->phase] += now - walk->phase_since;
    if (walk->phase == PHASE_INPUTS)
        note_busy(figures, walk, walk->phase_since, now);
    walk->phase = next;
    walk->phase_since = now;
}

static void end_operation(Profiler *profiler, Walk *walk, const Mark *mark, double now) {
    OperationFigures *operation = &profiler->figures.operations[mark->which];
    const double moving = mark->cost.bytes / profiler->ceilings.copy;
    const double computing = mark->cost.flops / profiler->ceilings.product;
    operation->calls++;
    operation->seconds += now - walk->operation_since;
    operation->bytes += mark->cost.bytes;
    operation->flops += mark->cost.flops;
    operation->floor += moving > computing ? moving : computing;
    note_busy(&profiler->figures, walk, walk->operation_since, now);
}

static void take_mark(Profiler *profiler, Walk *walk, const Mark *mark, double now) {
    ProfileFigures *figures = &profiler->figures;
    switch (mark->kind) {
    case MARK_STEP_BEGIN:
        break;
    case MARK_PHASE:
        end_phase(figures, walk, (Phase)mark->which, now);
        break;
    case MARK_BEGIN:
        walk->operation_since = now;
        break;
    case MARK_END:
        end_operation(profiler, walk, mark, now);
        break;
    case MARK_STEP_END:
        end_phase(figures, walk, PHASE_OTHER, now);
        figures->idle_between_steps += now - walk->busy_until;
        figures->seconds += now;
        figures->steps++;
    }
}

Status profiler_end_step(Profiler *profiler) {
    const Device *device = profiler->real;
    add_mark(profiler, MARK_STEP_END, (int)PHASE_OTHER, (OpCost){0});
    profiler->marking = false;
    Status failure = profiler->failure;
    profiler->failure = NULL;
    if (failure)
        return failure;
    TRY(device->wait(device, NULL));
    Walk walk = {.phase = PHASE_OTHER};
    for (int i = 0; i < profiler->count; i++) {
        double now;
        TRY(device->event_seconds(device, profiler->marks[0].event, profiler->marks[i].event, &now));
        take_mark(profiler, &walk, &profiler->marks[i], now);
    }
    return NULL;
}
