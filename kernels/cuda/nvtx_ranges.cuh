/* SPDX-License-Identifier: Apache-2.0 */
/* NVTX ranges, which a profiler shows: each operation under its name in the table. Without a profiler a range costs the
 * test of a pointer. */
#ifndef FOVEA_NVTX_RANGES_CUH
#define FOVEA_NVTX_RANGES_CUH

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
