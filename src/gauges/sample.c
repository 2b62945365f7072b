/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/sample.h"

#include <math.h>
#include <stdio.h>

void gauges_unknown(GaugeSample *sample, double time, const char *why) {
    *sample = (GaugeSample){.time = time,
                            .util = NAN,
                            .memory_used = -1,
                            .memory_total = -1,
                            .process_count = -1,
                            .celsius = NAN,
                            .memory_celsius = NAN,
                            .celsius_limit = NAN,
                            .watts = NAN,
                            .watts_cap = NAN,
                            .pcie_to_gpu = NAN,
                            .pcie_from_gpu = NAN,
                            .throttle = -1,
                            .ecc_corrected = -1,
                            .ecc_uncorrected = -1,
                            .remapped_rows = -1,
                            .joules = NAN};
    snprintf(sample->why, sizeof sample->why, "%s", why);
}
