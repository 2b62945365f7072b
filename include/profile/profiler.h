/* SPDX-License-Identifier: Apache-2.0 */
/* Sits between a run and its device: records the device's time before and after each operation and at the ranges that
 * name the phases of a step, and adds up the differences. */
#ifndef FOVEA_PROFILE_PROFILER_H
#define FOVEA_PROFILE_PROFILER_H

#include "ops/cost.h"
#include "ops/ops.h"

/* The phases of a step, by the names of the ranges; `other` is the time outside all of them. `passes` is forward and
 * backward captured as one graph. */
typedef enum {
    PHASE_DATA,
    PHASE_INPUTS,
    PHASE_FORWARD,
    PHASE_BACKWARD,
    PHASE_PASSES,
    PHASE_OPTIMIZER,
    PHASE_OTHER,
    PHASES
} Phase;
extern const char *const phase_names[PHASES];

#define OPERATION_ENUM(operation, Arguments) OPERATION_##operation,
typedef enum { OPERATIONS(OPERATION_ENUM) OPERATION_COUNT } Operation;
#undef OPERATION_ENUM
extern const char *const operation_names[OPERATION_COUNT];

/* The most that the device was measured to do in a second. */
typedef struct {
    double copy;    /* bytes, read and written */
    double product; /* FLOP of a large matrix product */
} Ceilings;

/* Sums over the profiled steps. `floor`: the seconds that the calls would take at the ceilings. */
typedef struct {
    int64_t calls;
    double seconds, bytes, flops, floor;
} OperationFigures;

typedef struct {
    int64_t steps;
    double seconds; /* of the steps, on the device, and by phase */
    double phases[PHASES];
    OperationFigures operations[OPERATION_COUNT];
    /* Time when neither an operation nor the inputs' phase ran: before the first and after the last of a step, and
     * between them. */
    double idle_between_steps, idle_between_operations;
} ProfileFigures;

typedef enum { MARK_STEP_BEGIN, MARK_PHASE, MARK_BEGIN, MARK_END, MARK_STEP_END } MarkKind;
typedef struct {
    Event *event;
    MarkKind kind;
    int which; /* the phase that begins, or the operation */
    OpCost cost;
} Mark;

enum { PROFILER_DEPTH = 16 }; /* of ranges within each other */

typedef struct {
    Device device;      /* first member: operations and ranges are called with it */
    const Device *real; /* borrowed */
    Ops plain;          /* the table as it was */
    Ceilings ceilings;
    bool marking, operations; /* operations: mark them, too, not only ranges */
    Mark *marks;              /* [capacity]; their events are reused */
    int count, capacity;
    Phase ranges[PROFILER_DEPTH]; /* open ones, as phases */
    int depth;
    Status failure; /* of the first mark that failed */
    ProfileFigures figures;
} Profiler;

/* Replaces the table's operations and its device by the profiler's, which only pass calls on until a step begins. */
void profiler_attach(Profiler *profiler, Ops *ops, const Ceilings *ceilings);
/* Closes the events. The table still passes calls on. */
void profiler_close(Profiler *profiler);

/* Around a step, or several that count as one: marks ranges, and operations too with `operations`. The end waits for
 * the device. */
Status profiler_begin_step(Profiler *profiler, bool operations) MUST_USE;
Status profiler_end_step(Profiler *profiler) MUST_USE;

#endif
