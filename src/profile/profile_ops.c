/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation of the table between two marks, made from the list of operations. */
#include "profile/profiler.h"

/* The table's device is the profiler's (profiler_attach()). */
#define PROFILED(operation, Arguments)                                                                                 \
    static void profiled_##operation(Ops *ops, const Arguments *a) {                                                   \
        Profiler *profiler = (Profiler *)ops->device;                                                                  \
        profiler_mark(profiler, MARK_BEGIN, OPERATION_##operation, (OpCost){0});                                       \
        profiler->plain.operation(ops, a);                                                                             \
        profiler_mark(profiler, MARK_END, OPERATION_##operation, cost_##operation(a, ops->type));                      \
    }
OPERATIONS(PROFILED)
#undef PROFILED

void profile_ops_fill(Ops *ops) {
#define PROFILE_FILL(operation, Arguments) ops->operation = profiled_##operation;
    OPERATIONS(PROFILE_FILL)
#undef PROFILE_FILL
}
