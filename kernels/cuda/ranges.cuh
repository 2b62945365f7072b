/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges that a profiler shows (NVTX): each operation under its name in the table. Without a profiler attached a range
 * is a test of a pointer. */
#ifndef FOVEA_RANGES_CUH
#define FOVEA_RANGES_CUH

#include "ops/operations.h"

#include <nvtx3/nvToolsExt.h>

/* Ranged<type of the table's entry>::call<function, its name>: the function within a range of that name. */
template <typename Entry> struct Ranged;
template <typename... Parameters> struct Ranged<void (*)(Ops *, Parameters...)> {
    template <void (*operation)(Ops *, Parameters...), const char *name>
    static void call(Ops *ops, Parameters... parameters) {
        nvtxRangePushA(name);
        operation(ops, parameters...);
        nvtxRangePop();
    }
};

#endif
