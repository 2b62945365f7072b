/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"

#include <stdlib.h>

void cpu_fail(Ops *ops, Status status) {
    ops->error = status;
}

float *cpu_scratch(Ops *ops, const char *what, size_t floats) {
    enum { LINE = 64 };
    const size_t bytes = (floats * sizeof(float) + LINE) / LINE * LINE;
    float *scratch = aligned_alloc(LINE, bytes);
    if (!scratch)
        cpu_fail(ops, status_no_memory(what, bytes));
    return scratch;
}

bool cpu_check_ids(Ops *ops, const char *operation, const int32_t *ids, int batch, int patches, int keep) {
    if (keep < 0 || keep > patches) {
        cpu_fail(ops, status_error(EXIT_INTERNAL, "%s: %d of %d patches cannot be kept", operation, keep, patches));
        return false;
    }
    for (size_t i = 0; i < (size_t)batch * patches; i++)
        if (ids[i] < 0 || ids[i] >= patches) {
            cpu_fail(ops, status_error(EXIT_INTERNAL, "%s: ids[%zu][%zu] is %d, not a patch of 0 .. %d", operation,
                                       i / patches, i % patches, (int)ids[i], patches - 1));
            return false;
        }
    return true;
}
