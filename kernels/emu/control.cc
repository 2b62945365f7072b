/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/control.h"
#include "kernels/emu/calls.h"
#include "kernels/emu/errors.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/order.h"
#include "kernels/emu/ranges.h"
#include "kernels/emu/registry.h"

using namespace emu;

static void set_order(EmuOrder chosen) {
    const Call call("order");
    order = chosen;
}

static void set_fault(EmuFault fault, long nth) {
    const Call call("fault");
    fault_set(fault, nth);
    if (fault == EMU_FAULT_NONE)
        forgive();
}

static void set_memory(size_t total) {
    const Call call("memory");
    memory_limit(total);
}

extern "C" {
const EmuControl fovea_emu = {
    set_order, set_fault, set_memory, registry_count, registry_name, registry_executions, memory_used, ranges_count,
};
}
