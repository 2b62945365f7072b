/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/fp8_watch.h"

#include <inttypes.h>
#include <stdlib.h>

int fp8_watch_overflows(const Fp8Scale scales[FP8_TENSORS]) {
    uint32_t steps = 0;
    for (int i = 0; i < FP8_TENSORS; i++)
        steps |= scales[i].recent;
    return __builtin_popcount(steps & ((1u << FP8_WATCH) - 1));
}

static Status watch_layers(Fp8 *fp8, Monitor *monitor, int64_t step, Fp8Scale *scales, MetricsFp8 *layers) {
    const int count = fp8_linears(fp8);
    TRY(fp8_read_overflows(fp8, scales));
    for (int i = 0; i < count; i++) {
        const Fp8Scale *own = scales + i * FP8_TENSORS;
        layers[i] = (MetricsFp8){.name = fp8_name(fp8, i)};
        for (int j = 0; j < FP8_TENSORS; j++) {
            layers[i].saturated += own[j].all_saturated;
            layers[i].overflows += own[j].overflows;
        }
        const int overflows = fp8_watch_overflows(own);
        if (!fp8_is_off(fp8, i) && overflows >= FP8_WATCH_MAX_OVERFLOWS) {
            fp8_turn_off(fp8, i, true);
            monitor_note(monitor,
                         "step %" PRId64 ": %s continues in bf16: its values exceeded fp8's range in %d of the last "
                         "%d steps",
                         step, layers[i].name, overflows, FP8_WATCH);
        }
        layers[i].off = fp8_is_off(fp8, i);
    }
    return metrics_append_fp8(&monitor->metrics, step, layers, count);
}

Status fp8_watch(Fp8 *fp8, Monitor *monitor, int64_t step) {
    const size_t count = (size_t)fp8_linears(fp8);
    if (!count)
        return NULL;
    Fp8Scale *scales = calloc(count * FP8_TENSORS, sizeof *scales);
    MetricsFp8 *layers = calloc(count, sizeof *layers);
    Status status = scales && layers ? watch_layers(fp8, monitor, step, scales, layers)
                                     : status_no_memory("the scales of FP8",
                                                        count * (FP8_TENSORS * sizeof *scales + sizeof *layers));
    free(scales);
    free(layers);
    return status;
}
