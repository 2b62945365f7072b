#include "control.h"
#include "calls.h"
#include "faults.h"
#include "memory.h"
#include "order.h"
#include "ranges.h"
#include "registry.h"

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
